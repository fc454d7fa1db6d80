internal import Contract
internal import Foundation

/// A judge that is a command: for each question it is run by `/bin/sh`, gets one line of JSON on its standard input and
/// answers `a` or `b` on its standard output.
///
/// Full Foundation for `JSONEncoder`; `posix_spawn` rather than `Process`, because what the shell started must end with
/// it where it takes too long.
struct JudgeProcess {
    /// The command.
    let command: String
    /// The most seconds that an answer takes.
    let secondsMax: Int

    /// What a judge is asked.
    struct Question: Codable, Equatable {
        /// What the group is called.
        var name: String
        /// What a person wrote of it; left out where nobody did.
        var description: String?
        /// Spans of the group.
        var examples: [String]
        /// A span, of the group or of another.
        var a: String
        /// The other span.
        var b: String
    }

    /// The most bytes of an answer; what follows is not read.
    private static let answerBytesMax = 4096
    /// The most bytes of a question: what a pipe takes without a reader.
    private static let questionBytesMax = 60_000

    /// Asks.
    ///
    /// - Returns: Whether the answer is `a`.
    /// - Throws: `JudgeFault` for a command that cannot be run, fails, takes too long or answers something else.
    func choosesFirst(_ question: Question) throws -> Bool {
        let line = try Self.line(question)
        guard line.count <= Self.questionBytesMax else {
            throw fault("the question has \(line.count) bytes, at most \(Self.questionBytesMax) are given")
        }
        // A judge may answer without reading; writing to it then must not end this program.
        signal(SIGPIPE, SIG_IGN)
        let (output, identifier) = try start(giving: line)
        defer { close(output) }
        let deadline = ContinuousClock.now + .seconds(secondsMax)
        guard let answer = read(output, until: deadline), let status = wait(identifier, until: deadline)
        else {
            kill(-identifier, SIGKILL)
            waitpid(identifier, nil, 0)
            throw fault("gave no answer within \(secondsMax) s")
        }
        guard status == 0 else {
            // The low seven bits are a signal's number, the next byte is the exit code.
            throw fault(
                status & 0x7f == 0
                    ? "ended with code \(status >> 8 & 0xff)" : "was ended by signal \(status & 0x7f)"
            )
        }
        switch answer.trimmingCharacters(in: .whitespacesAndNewlines) {
        case "a": return true
        case "b": return false
        case let other: throw fault("answered '\(other.prefix(60))', expected a or b")
        }
    }

    /// A question as the command gets it, ended by a line feed.
    static func line(_ question: Question) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(question) + [UInt8(ascii: "\n")]
    }

    private func fault(_ reason: String) -> JudgeFault { JudgeFault(command: command, reason: reason) }

    /// Starts the command with the question on its standard input.
    private func start(giving bytes: [UInt8]) throws -> (output: Int32, process: pid_t) {
        var (input, output): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&input) == 0 else { throw fault(String(cString: strerror(errno))) }
        guard pipe(&output) == 0 else {
            input.forEach { close($0) }
            throw fault(String(cString: strerror(errno)))
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
        var arguments = Self.strings(["/bin/sh", "-c", command])
        defer { arguments.forEach { free($0) } }
        var environment = Self.strings(
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
            throw fault(String(cString: strerror(code)))
        }
        // The pipe is empty and takes it all; a judge that has ended already does not read it.
        _ = bytes.withUnsafeBytes { write(input[1], $0.baseAddress, $0.count) }
        close(input[1])
        return (output[0], identifier)
    }

    /// C strings with a nil behind them, to be freed.
    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }

    /// What comes until the other end is closed; nil where that takes too long.
    private func read(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> String? {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: Self.answerBytesMax)
        while true {
            let left = (deadline - ContinuousClock.now).inSeconds
            guard left > 0 else { return nil }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(min(left * 1000 + 1, 60_000)))
            guard ready > 0 else { continue }
            let size = Glibc.read(descriptor, &part, part.count)
            if size < 0, errno == EINTR { continue }
            guard size > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part.prefix(min(size, Self.answerBytesMax - bytes.count))
        }
    }

    /// How the process ended; nil where that takes too long.
    private func wait(_ identifier: pid_t, until deadline: ContinuousClock.Instant) -> Int32? {
        var status: Int32 = 0
        while waitpid(identifier, &status, WNOHANG) != identifier {
            guard ContinuousClock.now < deadline else { return nil }
            usleep(1000)
        }
        return status
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

    /// The fault in words.
    var description: String { "the judge '\(command)' \(reason)" }
}
