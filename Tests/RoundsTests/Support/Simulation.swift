import Digest
import Randomness
import Wire

@testable import Rounds

/// A coordinator and its clients on a network that delays, breaks and loses, in virtual time.
///
/// The nodes are as simple as can be: a model is a digest, a local step hashes it. Two runs end with
/// the same adapter only if every step of every client saw the same bytes.
struct Simulation {
    enum Event {
        case coordinatorGets(ConnectionID, ClientMessage)
        case clientGets(Int, ConnectionID, CoordinatorMessage)
        case coordinatorLoses(ConnectionID)
        case clientLoses(Int, ConnectionID)
        case connected(Int, epoch: Int)
        case coordinatorWork(epoch: Int, CoordinatorEvent)
        case clientWork(Int, epoch: Int, SimulatedClient.Job)
        case coordinatorTimer(epoch: Int)
        case clientTimer(Int, epoch: Int)
        case crashCoordinator
        case startCoordinator
        case crashClient(Int)
        case startClient(Int)
        case cut
    }

    /// A connection: ordered in both directions until it breaks.
    struct Wire {
        var client: Int
        var clientEpoch: Int
        var toCoordinator: Tick = 0
        var toClient: Tick = 0
        var isCut = false
        var isOpenAtCoordinator = true
        var isOpenAtClient = true
    }

    let plan: RunPlan
    var random: RandomStream
    var now: Tick = 0
    private var queue: [Tick: [Event]] = [:]
    private var times = TimeHeap()
    var wires: [ConnectionID: Wire] = [:]
    var nextConnection = 1
    var coordinator: SimulatedCoordinator
    var clients: [SimulatedClient]
    var checks = SimulationChecks()
    var eventCount = 0
    /// The chance of a crash before any one action of the coordinator, in a million.
    var crashChance = 0
    /// The chance that a merged round is vetoed, in per cent, and the seed by which: the same rounds in every
    /// run, whatever crashes.
    var vetoes: (chance: Int, seed: UInt64) = (0, 0)
    /// How much slower than others each client computes.
    var slowness: [Int]

    init(plan: RunPlan, seed: UInt64, slowness: [Int]? = nil) {
        self.plan = plan
        random = RandomStream(seed: seed, "simulation")
        coordinator = SimulatedCoordinator()
        clients = plan.clients.map { SimulatedClient(name: $0) }
        self.slowness = slowness ?? plan.clients.map { _ in 1 }
        schedule(.startCoordinator, after: 0)
        for index in clients.indices { schedule(.startClient(index), after: delay(500)) }
    }

    func isVetoed(_ round: Int) -> Bool {
        var stream = RandomStream(seed: vetoes.seed, "veto", round)
        return stream.below(100) < vetoes.chance
    }

    mutating func delay(_ most: Int) -> Tick { Tick(1 + random.below(most)) }

    mutating func schedule(_ event: Event, after wait: Tick) {
        let time = now + max(wait, 0)
        if queue[time] == nil { times.insert(time) }
        queue[time, default: []].append(event)
    }

    /// Runs until nothing is left to happen, or too much has happened.
    mutating func run(eventsMax: Int = 400_000) {
        while let time = times.first, eventCount < eventsMax {
            now = max(now, time)
            guard let events = queue[time], !events.isEmpty else {
                queue[time] = nil
                times.removeFirst()
                continue
            }
            queue[time]?.removeFirst()
            eventCount += 1
            perform(events[0])
            if isOver { return }
        }
    }

    var isOver: Bool { coordinator.outcome != nil && clients.allSatisfy { $0.outcome != nil } }

    private mutating func perform(_ event: Event) {
        switch event {
        case .coordinatorGets(let id, let message):
            guard let wire = wires[id], !wire.isCut, wire.isOpenAtCoordinator else { return }
            coordinatorHandles(.received(id, message))
        case .clientGets(let index, let id, let message):
            guard let wire = wires[id], !wire.isCut, clients[index].connection == id else { return }
            clientHandles(index, .received(message))
        case .coordinatorLoses(let id):
            guard wires[id]?.isOpenAtCoordinator == true else { return }
            wires[id]?.isOpenAtCoordinator = false
            coordinatorHandles(.disconnected(id))
        case .clientLoses(let index, let id):
            guard clients[index].connection == id else { return }
            clients[index].connection = nil
            clientHandles(index, .disconnected(reason: "broken"))
        case .connected(let index, let epoch): connect(index, epoch)
        case .coordinatorWork(let epoch, let event):
            guard coordinator.epoch == epoch else { return }
            complete(event)
        case .clientWork(let index, let epoch, let job):
            guard clients[index].epoch == epoch else { return }
            let event = clients[index].finish(job)
            clientHandles(index, event)
        case .coordinatorTimer(let epoch):
            if coordinator.epoch == epoch { coordinatorHandles(.tick) }
        case .clientTimer(let index, let epoch):
            if clients[index].epoch == epoch { clientHandles(index, .tick) }
        case .crashCoordinator: crashCoordinator()
        case .startCoordinator: startCoordinator()
        case .crashClient(let index): crashClient(index)
        case .startClient(let index): startClient(index)
        case .cut: cutOne()
        }
    }

    // MARK: - Network

    mutating func send(_ message: ClientMessage, over id: ConnectionID) {
        guard let wire = wires[id], !wire.isCut else { return }
        let arrival = max(wire.toCoordinator, now + delay(40))
        wires[id]?.toCoordinator = arrival
        schedule(.coordinatorGets(id, message), after: arrival - now)
    }

    mutating func send(_ message: CoordinatorMessage, over id: ConnectionID) {
        guard let wire = wires[id], !wire.isCut else { return }
        let arrival = max(wire.toClient, now + delay(40))
        wires[id]?.toClient = arrival
        schedule(.clientGets(wire.client, id, message), after: arrival - now)
    }

    private mutating func connect(_ index: Int, _ epoch: Int) {
        guard clients[index].epoch == epoch, clients[index].machine != nil else { return }
        guard coordinator.machine != nil, random.below(10) > 0 else {
            return clientHandles(index, .connectFailed(reason: "nobody there"))
        }
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        wires[id] = Wire(client: index, clientEpoch: epoch)
        clients[index].connection = id
        coordinatorHandles(.connected(id, certifiedName: clients[index].name))
        clientHandles(index, .connected)
    }

    /// One side has closed: the other hears of it after what was sent.
    mutating func closeAtCoordinator(_ id: ConnectionID) {
        guard let wire = wires[id] else { return }
        wires[id]?.isOpenAtCoordinator = false
        schedule(.clientLoses(wire.client, id), after: max(wire.toClient - now, 0) + 1)
    }

    mutating func closeAtClient(_ index: Int) {
        guard let id = clients[index].connection, let wire = wires[id] else { return }
        clients[index].connection = nil
        wires[id]?.isOpenAtClient = false
        schedule(.coordinatorLoses(id), after: max(wire.toCoordinator - now, 0) + 1)
    }

    /// Breaks a connection; each side hears of it some time later, and nothing arrives any more.
    private mutating func cutOne() {
        let open = wires.filter { !$0.value.isCut && $0.value.isOpenAtCoordinator }.keys.sorted()
        guard !open.isEmpty else { return }
        cut(open[random.below(open.count)])
    }

    mutating func cut(_ id: ConnectionID) {
        guard let wire = wires[id] else { return }
        wires[id]?.isCut = true
        schedule(.coordinatorLoses(id), after: delay(3_000))
        schedule(.clientLoses(wire.client, id), after: delay(3_000))
    }
}

/// The times at which something happens, as a binary heap.
struct TimeHeap {
    private var times: [Tick] = []

    var first: Tick? { times.first }

    mutating func insert(_ time: Tick) {
        times.append(time)
        var child = times.count - 1
        while child > 0, times[child] < times[(child - 1) / 2] {
            times.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        times.swapAt(0, times.count - 1)
        times.removeLast()
        var parent = 0
        while 2 * parent + 1 < times.count {
            var child = 2 * parent + 1
            if child + 1 < times.count, times[child + 1] < times[child] { child += 1 }
            guard times[child] < times[parent] else { return }
            times.swapAt(child, parent)
            parent = child
        }
    }
}

/// A digest of words.
func hash(_ words: String...) -> SHA256Digest { SHA256Digest(of: Array(words.joined(separator: "|").utf8)) }

/// How many chunks a blob has; a function of its digest.
func chunkCount(_ digest: SHA256Digest) -> Int { Int(digest.bytes[0] % 3) + 1 }
