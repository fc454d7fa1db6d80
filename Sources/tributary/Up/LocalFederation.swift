internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Nodes
internal import Topology

/// All processes of one federation on this machine, from start to end.
///
/// One loop takes what happens, as it happens: a process ends, a signal comes, something is due, or the display has to
/// be drawn again.
struct LocalFederation {
    /// What the loop waits for.
    private enum Event: Sendable {
        case ended(String, Int32)
        case signal(Int32)
        case due(Due)
        case redraw
    }

    /// What was put off.
    private enum Due: Sendable, Equatable {
        case restart(String)
        /// The coordinator has nobody left to tell of the end.
        case endCoordinator
        /// The coordinator has gone, and clients have not heard of the end.
        case endClients
        case kill
    }

    /// The folder that holds `coordinator` and `client` beside this program.
    static func binaryFolder() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = URL(fileURLWithPath: own).deletingLastPathComponent().path
        for name in ["coordinator", "client"] {
            guard FileManager.default.isExecutableFile(atPath: folder + "/" + name) else {
                throw UpError("there is no \(name) beside this program, in \(folder)")
            }
        }
        return folder
    }

    private static let coordinatorName = "coordinator"
    /// How long a process has for what should be done at once.
    private static let patience = (farewell: Duration.seconds(1), end: Duration.seconds(10))

    private let children: [String: ChildProcess]
    private let clients: [String]
    private let statusFile: String
    private let lifeline: Lifeline
    /// What an earlier coordinator wrote last: until the new one has something to say, there is nothing to show.
    private var earlierStatus: RunStatus?
    private let events: AsyncStream<Event>
    private let sender: AsyncStream<Event>.Continuation
    private var policy: FailurePolicy
    private var running: Set<String> = []
    private var timers: [Task<Void, Never>] = []
    private var restarts: Set<String> = []
    /// The clients that nobody waits for any more, with the exit code of each.
    private var lost: [String: Int32] = [:]
    /// Clients that were ended because the coordinator had left without them.
    private var unheard: [String] = []
    /// What stopped all this: a signal.
    private var stoppedBy: Int32?
    private var failure: UpError?

    /// Prepares the processes; nothing runs yet.
    ///
    /// - Parameters:
    ///   - topology: What to run.
    ///   - topologyFile: The file the processes read it from.
    ///   - layout: Where things go.
    ///   - clientArguments: Further arguments for each client's process.
    init(
        _ topology: Topology,
        topologyFile: String,
        layout: RunLayout,
        clientArguments: [String: [String]]
    ) throws {
        let folder = try LocalFederation.binaryFolder()
        statusFile = layout.statusFile
        earlierStatus = RunStatus.read(from: statusFile)
        (events, sender) = AsyncStream<Event>.makeStream()
        lifeline = try Lifeline()
        policy = FailurePolicy(quorum: topology.quorum)
        clients = topology.clients.map(\.name)
        let coordinator = ChildProcess(
            name: Self.coordinatorName,
            executable: folder + "/coordinator",
            arguments: [
                "--topology", topologyFile, "--identity", layout.coordinatorIdentity,
                "--state", layout.coordinatorState, "--child",
            ],
            threads: topology.coordinator.threads,
            logFile: layout.log(of: Self.coordinatorName)
        )
        let others = topology.clients.map { client in
            ChildProcess(
                name: client.name,
                executable: folder + "/client",
                arguments: [
                    "--topology", topologyFile, "--name", client.name,
                    "--identity", layout.identity(ofClient: client.name),
                    "--state", layout.state(ofClient: client.name), "--child",
                ] + (clientArguments[client.name] ?? []),
                threads: client.threads,
                logFile: layout.log(of: client.name)
            )
        }
        // A client may be called `coordinator`: its process has a key of its own.
        var children = [Self.coordinatorName: coordinator]
        for child in others { children[Self.key(child.name)] = child }
        self.children = children
    }

    private static func key(_ client: String) -> String { "client \(client)" }

    /// The signals that mean something here. Who started this with `nohup` wants it to outlive the terminal.
    static var signals: [Int32] {
        var earlier = sigaction()
        sigaction(SIGHUP, nil, &earlier)
        let ignores = unsafeBitCast(earlier.__sigaction_handler.sa_handler, to: Int.self) == 1
        return [SIGINT, SIGTERM, SIGWINCH] + (ignores ? [] : [SIGHUP])
    }

    /// Takes a signal: the first one lets all processes finish the step in hand, a second one ends them at once. A
    /// terminal that is closed asks once and no more.
    var signalled: @Sendable (Int32) -> Void { { [sender] in sender.yield(.signal($0)) } }

    /// Runs until all have ended.
    ///
    /// - Throws: `UpError` for what could not be healed, with the end of a log; `ExitCode` with 128 + the number of the
    ///   signal that stopped the run.
    mutating func run(display: inout ProgressDisplay) async throws {
        let ticking = Task { [sender] in
            while (try? await Task.sleep(for: .milliseconds(500))) != nil { sender.yield(.redraw) }
        }
        defer {
            ticking.cancel()
            timers.forEach { $0.cancel() }
        }
        for name in [Self.coordinatorName] + clients.map(Self.key) where failure == nil { start(name) }
        if running.isEmpty, let failure { throw failure }
        for await event in events {
            switch event {
            case .redraw: draw(&display)
            case .signal(let number): stop(by: number, &display)
            case .due(let due): perform(due, &display)
            case .ended(let name, let code):
                running.remove(name)
                ended(name, code, &display)
            }
            if running.isEmpty, restarts.isEmpty || failure != nil || stoppedBy != nil { break }
        }
        earlierStatus = nil
        draw(&display)
        try conclude()
    }

    // MARK: - Processes

    private mutating func start(_ name: String) {
        do {
            try children[name]?.start(on: lifeline) { [sender] in sender.yield(.ended(name, $0)) }
            running.insert(name)
        } catch {
            giveUp(error as? UpError ?? UpError("cannot start \(name): \(error)"))
        }
    }

    private mutating func ended(_ name: String, _ code: Int32, _ display: inout ProgressDisplay) {
        guard failure == nil, stoppedBy == nil, let child = children[name] else { return }
        let isCoordinator = name == Self.coordinatorName
        guard code != 0 else { return seeToTheOthers(isCoordinator) }
        let decision =
            isCoordinator
            ? policy.coordinatorEnded(with: code)
            : policy.clientEnded(
                child.name,
                with: code,
                others: clients.count - lost.count - 1,
                hasBegun: RunStatus.read(from: statusFile).map { $0.phase != .enrolling } ?? false
            )
        let how = code > 128 ? "was ended by signal \(code - 128)" : "ended with exit code \(code)"
        switch decision {
        case .restart(let seconds):
            display.say("\(child.name) \(how); it is started again in \(seconds) s")
            restarts.insert(name)
            put(off: .restart(name), for: .seconds(seconds))
        case .goOnWithout:
            lost[child.name] = code
            display.say("\(child.name) \(how); the others go on without it. See \(child.logFile)")
            seeToTheOthers(false)
        case .giveUp:
            giveUp(
                UpError(
                    "\(child.name) \(how); the end of \(child.logFile):\n" + child.lastLines(8),
                    exitCode: code
                )
            )
        }
    }

    /// One side has ended: the other one has little left to do.
    private mutating func seeToTheOthers(_ coordinatorEnded: Bool) {
        let othersRun = clients.contains { running.contains(Self.key($0)) || restarts.contains(Self.key($0)) }
        if coordinatorEnded {
            if othersRun { put(off: .endClients, for: Self.patience.end) }
        } else if !othersRun {
            put(off: .endCoordinator, for: Self.patience.farewell)
        }
    }

    private mutating func giveUp(_ error: UpError) {
        failure = error
        lifeline.cut()
        put(off: .kill, for: Self.patience.end)
    }

    private mutating func stop(by number: Int32, _ display: inout ProgressDisplay) {
        // Another size of the terminal.
        guard number != SIGWINCH else { return draw(&display) }
        guard stoppedBy == nil else {
            // A closed terminal says no more than the signal before.
            guard number != SIGHUP else { return }
            return kill()
        }
        stoppedBy = number
        display.say(
            "Stopping: each process finishes the step in hand and saves its state; once more ends them now."
        )
        lifeline.cut()
    }

    private func kill() {
        for name in running { children[name]?.kill() }
    }

    // MARK: - Time

    private mutating func put(off due: Due, for time: Duration) {
        timers.append(
            Task { [sender] in
                guard (try? await Task.sleep(for: time)) != nil else { return }
                sender.yield(.due(due))
            }
        )
    }

    private mutating func perform(_ due: Due, _ display: inout ProgressDisplay) {
        switch due {
        case .restart(let name):
            guard restarts.remove(name) != nil, failure == nil, stoppedBy == nil else { return }
            start(name)
        case .endCoordinator: children[Self.coordinatorName]?.terminate()
        case .endClients:
            unheard = clients.filter { running.contains(Self.key($0)) }
            for name in unheard { children[Self.key(name)]?.terminate() }
        case .kill: kill()
        }
    }

    private mutating func draw(_ display: inout ProgressDisplay) {
        guard let status = RunStatus.read(from: statusFile), status != earlierStatus else { return }
        earlierStatus = nil
        var notes = lost.mapValues { "lost, exit code \($0)" }
        for name in clients where restarts.contains(Self.key(name)) { notes[name] = "starts again" }
        display.show(status, notes: notes)
    }

    // MARK: - The end

    private func conclude() throws {
        if let stoppedBy {
            ProgressDisplay.write("Stopped. The same command goes on from here.\n")
            throw ExitCode(128 + stoppedBy)
        }
        if let failure { throw failure }
        guard RunStatus.read(from: statusFile)?.phase == .finished else {
            throw UpError(
                "the processes were stopped before the run was finished; the same command goes on",
                exitCode: EX_TEMPFAIL
            )
        }
        if let (name, code) = lost.sorted(by: { $0.key < $1.key }).first {
            let names = lost.keys.sorted().joined(separator: ", ")
            let log = children[Self.key(name)]?.logFile ?? ""
            throw UpError("the run is finished, but without \(names); see \(log)", exitCode: code)
        }
        if !unheard.isEmpty {
            throw UpError(
                "the run is finished, but \(unheard.joined(separator: ", ")) could not be told; the same command tries again",
                exitCode: EX_UNAVAILABLE
            )
        }
    }
}
