internal import Contract
internal import Foundation

/// A command that is run by `/bin/sh` in a process group of its own, to be spoken with over its standard input and
/// output.
///
/// Full Foundation for the environment; `posix_spawn` rather than `Process`, because what the shell started must end with
/// it where it takes too long.
final class CommandProcess {
    /// Why a command gave no answer.
    enum Failure: Error, Equatable {
        /// It could not be started.
        case noStart(String)
        /// Time was up.
        case late
        /// It ended, with a status as `waitpid` gives it.
        case ended(Int32)
        /// A line went on for too long.
        case endless
    }

    /// The most bytes of a line that is read.
    static let lineBytesMax = 1 << 20

    private let identifier: pid_t
    private let output: Int32
    /// Negative once it is closed.
    private var input: Int32
    /// What was read and not yet asked for.
    private var waiting: [UInt8] = []
    private var status: Int32?

    /// Starts a command.
    init(_ command: String) throws(Failure) {
        // A command may answer without reading; writing to it then must not end this program.
        signal(SIGPIPE, SIG_IGN)
        (identifier, input, output) = try Self.start(command)
        // Writing never waits for a reader: whoever writes also reads.
        _ = fcntl(input, F_SETFL, O_NONBLOCK)
    }

    deinit { end() }

    /// Gives bytes to the command as far as it takes them, and reads its next line.
    ///
    /// - Parameters:
    ///   - bytes: What is to be given; what was taken is removed.
    ///   - deadline: When to give up.
    /// - Returns: The line, without its end. A last line may lack it.
    func line(
        giving bytes: inout ArraySlice<UInt8>,
        until deadline: ContinuousClock.Instant
    ) throws(Failure) -> [UInt8] {
        var seen = 0
        while true {
            if let end = waiting[seen...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { waiting.removeFirst(end + 1) }
                return Array(waiting[..<end])
            }
            seen = waiting.count
            guard seen <= Self.lineBytesMax else { throw .endless }
            guard try exchange(&bytes, until: deadline) else {
                guard waiting.isEmpty else {
                    defer { waiting = [] }
                    return waiting
                }
                guard let status = wait(until: deadline) else { throw .late }
                throw .ended(status)
            }
        }
    }

    /// Gives bytes to the command, closes its input, and waits until it has said all and ended.
    ///
    /// - Parameters:
    ///   - bytes: What is given.
    ///   - limit: The most bytes of an answer; what follows is not kept.
    ///   - deadline: When to give up.
    /// - Returns: What it said, and its status as `waitpid` gives it.
    func finish(
        giving bytes: [UInt8],
        limit: Int,
        until deadline: ContinuousClock.Instant
    ) throws(Failure) -> (said: [UInt8], status: Int32) {
        var left = bytes[...]
        repeat {
            if left.isEmpty { closeInput() }
            if waiting.count > limit { waiting.removeLast(waiting.count - limit) }
        } while try exchange(&left, until: deadline)
        guard let status = wait(until: deadline) else { throw .late }
        return (waiting, status)
    }

    /// Whether it has said something that nobody asked for.
    var isTalking: Bool {
        var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        return !waiting.isEmpty || poll(&wanted, 1, 0) > 0 && wanted.revents & Int16(POLLIN) != 0
    }

    /// A status in words: `ended with code 3`.
    static func words(_ status: Int32) -> String {
        // The low seven bits are a signal's number, the next byte is the exit code.
        status & 0x7f == 0
            ? "ended with code \(status >> 8 & 0xff)" : "was ended by signal \(status & 0x7f)"
    }

    /// Ends the command and whatever it started.
    func end() {
        closeInput()
        if status == nil {
            kill(-identifier, SIGKILL)
            waitpid(identifier, nil, 0)
            status = SIGKILL
            close(output)
        }
    }

    private func closeInput() {
        guard input >= 0 else { return }
        close(input)
        input = -1
    }

    /// Writes and reads what can be; false where the other end of the output is closed.
    private func exchange(
        _ bytes: inout ArraySlice<UInt8>,
        until deadline: ContinuousClock.Instant
    ) throws(Failure) -> Bool {
        let left = (deadline - ContinuousClock.now).inSeconds
        guard left > 0 else { throw .late }
        let writes = !bytes.isEmpty && input >= 0
        var wanted = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
        if writes { wanted.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
        guard poll(&wanted, nfds_t(wanted.count), Int32(min(left * 1000 + 1, 60_000))) > 0 else {
            return true
        }
        if writes, wanted[1].revents != 0 {
            let size = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            if size > 0 {
                bytes.removeFirst(size)
            } else if errno != EAGAIN, errno != EINTR {
                // It no longer reads: what it says still counts.
                bytes = []
                closeInput()
            }
        }
        guard wanted[0].revents != 0 else { return true }
        var part = [UInt8](repeating: 0, count: 4096)
        let size = read(output, &part, part.count)
        if size < 0, errno == EINTR { return true }
        waiting += part.prefix(max(size, 0))
        return size > 0
    }

    /// How the process ended; nil where that takes too long.
    private func wait(until deadline: ContinuousClock.Instant) -> Int32? {
        if let status { return status }
        var found: Int32 = 0
        while waitpid(identifier, &found, WNOHANG) != identifier {
            guard ContinuousClock.now < deadline else { return nil }
            usleep(1000)
        }
        status = found
        close(output)
        return found
    }

    private static func start(
        _ command: String
    ) throws(Failure) -> (process: pid_t, input: Int32, output: Int32) {
        var (input, output): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&input) == 0 else { throw .noStart(String(cString: strerror(errno))) }
        guard pipe(&output) == 0 else {
            input.forEach { close($0) }
            throw .noStart(String(cString: strerror(errno)))
        }
        for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var arguments = strings(["/bin/sh", "-c", command])
        defer { arguments.forEach { free($0) } }
        var environment = strings(
            ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }.sorted()
        )
        defer { environment.forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, "/bin/sh", &actions, &attributes, &arguments, &environment)
        close(input[0])
        close(output[1])
        guard code == 0 else {
            close(input[1])
            close(output[0])
            throw .noStart(String(cString: strerror(code)))
        }
        return (identifier, input[1], output[0])
    }

    /// C strings with a nil behind them, to be freed.
    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }
}

/// What is wrong with a judge.
struct JudgeFault: GivenFault, Equatable, CustomStringConvertible {
    /// A command that does not do what it should.
    var faultKind: FaultKind { .data }
    /// The command.
    let command: String
    /// What happened.
    let reason: String

    /// Names a fault.
    init(command: String, reason: String) {
        self.command = command
        self.reason = reason
    }

    /// A command that gave no answer.
    init(_ command: String, _ failure: CommandProcess.Failure, timeout: Duration) {
        let reason =
            switch failure {
            case .noStart(let reason): "cannot be started: \(reason)"
            case .late: "gave no answer within \(String(format: "%g", timeout.inSeconds)) s"
            case .ended(let status): CommandProcess.words(status)
            case .endless: "wrote more than \(CommandProcess.lineBytesMax) bytes without an end of line"
            }
        self.init(command: command, reason: reason)
    }

    /// The fault in words.
    var description: String { "the judge '\(command)' \(reason)" }
}
