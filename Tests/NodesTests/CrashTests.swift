import Digest
import Synchronization
import Testing
import Wire

@testable import Nodes

/// A node that dies at any frame and comes back changes nothing about the result.
@Suite struct CrashTests {
    static let recipe = Recipe(clients: ["ash", "birch"], rounds: 2, steps: 3, encoding: "int8")
    private static let undisturbed = Once {
        try await runInMemory(recipe, in: Scratch("undisturbed")).adapter
    }

    static let points: [CrashPoint] = ["coordinator", "ash"].flatMap { victim in
        let places: [(Peer, MessageType, Int)] = [
            (.client, .hello, 0), (.coordinator, .welcome, 0), (.client, .fetchRound, 1),
            (.coordinator, .roundStart, 1),
            (.client, .fetchBatch, 0), (.coordinator, .batch, 1), (.client, .offerResponses, 0),
            (.coordinator, .continue, 2), (.client, .chunk, 0), (.client, .chunk, 1),
            (.coordinator, .accepted, 0),
            (.coordinator, .accepted, 1), (.client, .fetchPool, 1), (.coordinator, .pool, 0),
            (.coordinator, .chunk, 2), (.client, .offerUpdate, 0), (.client, .offerUpdate, 1),
        ]
        return places.flatMap { sender, type, skipping in
            [true, false].map { arrives in
                CrashPoint(victim: victim, sender: sender, type: type, skipping: skipping, arrives: arrives)
            }
        }
    }

    @Test("a node that dies at any frame and comes back changes nothing", arguments: points)
    func crash(_ point: CrashPoint) async throws {
        let scratch = try Scratch("crash")

        let (result, crashed) = try await runCrashing(Self.recipe, at: point, in: scratch)

        #expect(crashed)
        #expect(try await result.adapter == Self.undisturbed.value)
        let layout = RunLayout(root: scratch.path)
        for name in Self.recipe.clients {
            #expect(try Metrics(layout.state(ofClient: name)).steps(of: name) == Array(1...6))
        }
        let central = try Metrics(layout.coordinatorState)
        #expect(central.rounds == ["base", "round 0", "round 1"])
        // What was on the wire when a node died is in the client's file alone.
        for name in Self.recipe.clients { #expect(central.isAscending(name)) }
    }

    private static let undisturbedRET = Once {
        try await runInMemory(Recipe.ret, in: Scratch("undisturbed-ret")).adapter
    }

    @Test(
        "the same for macrostates, whose targets are asked for again",
        arguments: points.enumerated().filter { $0.offset % 7 == 3 }.map(\.element)
    )
    func crashOfRET(_ point: CrashPoint) async throws {
        let scratch = try Scratch("crash-ret")

        let (result, crashed) = try await runCrashing(Recipe.ret, at: point, in: scratch)

        #expect(crashed)
        #expect(try await result.adapter == Self.undisturbedRET.value)
    }
}

/// A value that is made at its first use.
actor Once<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?

    init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    var value: Value {
        get async throws {
            let task = task ?? Task { try await make() }
            self.task = task
            return try await task.value
        }
    }
}
