import Contract
import Digest
import Ledger
import Rounds
import Testing
import Wire

@testable import Nodes

/// Rounds that are not taken, and what watches those that are.
@Suite struct VetoTests {
    private static let recipe = Recipe(clients: ["ash", "birch"], rounds: 3, steps: 3)

    @Test("a vetoed round ends with the adapter it began with, names its members, and the run goes on")
    func veto() async throws {
        var recipe = Self.recipe
        recipe.more = "guards: [stubborn: {rounds: [1]}]"
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        let layout = RunLayout(root: scratch.path)
        let ledger = try Ledger.inspect(layout.coordinatorState)
        let adapters = try (0...3).map { try #require(try ledger.adapter(version: $0)).digest }
        #expect(adapters[1] != adapters[0] && adapters[2] == adapters[1] && adapters[3] != adapters[2])
        #expect(result.values[2] == result.values[1])
        #expect(RunStatus.read(from: layout.statusFile)?.vetoed == [1])
        let vetoes = try RunMetrics(reading: ledger).vetoes
        #expect(vetoes == [VetoRecord(round: 1, reason: "stubborn: not round 1", clients: ["ash", "birch"])])
        #expect(try ledger.facts().contains("vetoed 1 \(ledger.adapterDigest(round: 1))"))
    }

    @Test("what is recorded of a round is not made again, whatever would come out now")
    func recorded() async throws {
        let scratch = try Scratch()
        _ = try await runInMemory(Self.recipe, in: scratch)
        let job = try Self.recipe.job()
        let ledger = try Ledger.open(
            RunLayout(root: scratch.path).coordinatorState,
            identity: job.federationIdentity()
        )
        let layout = try BlobDecoder.adapter(from: ledger.adapterBlob(round: 0)).layout
        let bench = UpdateBench(ledger, layout: layout) { 0 }
        let events = try ledger.events().count

        let digest = try await bench.aggregate(round: 1, clients: ["ash"], job: job, vetoed: [])

        #expect(try digest == ledger.adapterDigest(round: 2))
        #expect(try ledger.events().count == events)
    }

    @Test(
        "an evaluation that is not a number and a guard that fails are vetoes",
        arguments: [("{brokenRound: 1}", "{}"), ("{}", "{rounds: [1], fails: true}")]
    )
    func broken(settings: String, stubborn: String) async throws {
        var recipe = Self.recipe
        recipe.settings = settings
        recipe.more = "guards: [stubborn: \(stubborn)]"
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        #expect(RunStatus.read(from: RunLayout(root: scratch.path).statusFile)?.vetoed == [1])
        #expect(result.values.count == 4 && result.values.allSatisfy(\.isFinite))
    }

    @Test(
        "a value that collapses is a veto without any guard, unless the topology says otherwise",
        arguments: [("collapse: 0.5", [1]), ("collapse: none", []), ("normLimit: none", [1])]
    )
    func collapse(aggregation: String, vetoed: [Int]) async throws {
        var recipe = Self.recipe
        recipe.settings = "{collapsedRound: 1}"
        recipe.bounds = aggregation
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        let layout = RunLayout(root: scratch.path)
        #expect(RunStatus.read(from: layout.statusFile)?.vetoed == vetoed)
        #expect(result.values.count == 4)
        let vetoes = try RunMetrics(reading: Ledger.inspect(layout.coordinatorState)).vetoes
        #expect(vetoes.map(\.clients) == vetoed.map { _ in ["ash", "birch"] })
        #expect(vetoes.allSatisfy { $0.reason.contains("closeness collapsed from") })
    }

    @Test("a run that fades a little in each round is stopped by the best that it had")
    func fading() async throws {
        var recipe = Self.recipe
        recipe.settings = "{fades: true}"
        recipe.bounds = "collapse: 0.5"
        recipe.rounds = 4
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        let vetoed = try #require(RunStatus.read(from: RunLayout(root: scratch.path).statusFile)?.vetoed)
        #expect(vetoed.last == 3 && vetoed.first ?? 0 > 0)
        let best = try #require(result.values.max())
        #expect(result.values.allSatisfy { $0 >= 0.5 * best })
    }

    @Test(
        "an update far longer than the others' is left out of the first round already, and every round is taken"
    )
    func loud() async throws {
        var recipe = Recipe(clients: ["ash", "birch", "cedar"], rounds: 3, steps: 3)
        recipe.settings = "{loud: birch}"
        recipe.bounds = "normLimit: recent"
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        let layout = RunLayout(root: scratch.path)
        #expect(RunStatus.read(from: layout.statusFile)?.vetoed == [])
        let merges = try RunMetrics(reading: Ledger.inspect(layout.coordinatorState)).aggregations
        #expect(merges.map(\.clients) == merges.map { _ in ["ash", "cedar"] })
        #expect(merges[0].norms?["birch"] ?? 0 > 1e5)
        #expect(result.values.count == 4 && result.values[3] > result.values[0])
    }

    @Test("a merge's record has the norms, the weights and the norm limit, which follows from earlier rounds")
    func recentNorms() async throws {
        var recipe = Self.recipe
        recipe.bounds = "normLimit: recent"
        let scratch = try Scratch()

        _ = try await runInMemory(recipe, in: scratch)

        let merges = try RunMetrics(reading: Ledger.inspect(RunLayout(root: scratch.path).coordinatorState))
            .aggregations
        #expect(merges.map(\.weights) == merges.map { _ in ["ash": 1, "birch": 1] })
        #expect(merges[0].normLimit == 1e6)
        let first = try #require(merges[0].norms?.values.sorted())
        #expect(first.count == 2 && merges[1].normLimit == 30 * first[1])
    }

    @Test("a base whose evaluation is not a number ends the run with an error that says so")
    func brokenBase() async throws {
        var recipe = Self.recipe
        recipe.settings = "{brokenRound: -1}"

        let error = try await #require(throws: NodeError.self) {
            try await runInMemory(recipe, in: Scratch())
        }

        #expect(error.description.contains("not finite"))
    }

    static let points: [CrashPoint] = [
        (.coordinator, .accepted, 0), (.coordinator, .accepted, 1), (.client, .offerUpdate, 1),
        (.client, .fetchRound, 1), (.client, .fetchRound, 2), (.coordinator, .roundStart, 1),
    ].flatMap { (sender: Peer, type: MessageType, skipping: Int) in
        [true, false].map {
            CrashPoint(victim: "coordinator", sender: sender, type: type, skipping: skipping, arrives: $0)
        }
    }

    @Test(
        "a coordinator that dies around a veto and comes back ends with the same adapter",
        arguments: points
    )
    func crash(_ point: CrashPoint) async throws {
        var recipe = Self.recipe
        recipe.more = "guards: [stubborn: {rounds: [0, 1]}]"

        let (result, crashed) = try await runCrashing(recipe, at: point, in: Scratch("veto-crash"))

        #expect(crashed)
        #expect(try await result.adapter == runInMemory(recipe, in: Scratch("veto")).adapter)
    }

    @Test("a monitor reports of the base and of every round that is taken, and changes nothing")
    func monitor() async throws {
        let scratch = try Scratch()
        let plain = try await runInMemory(Self.recipe, in: Scratch())
        var recipe = Self.recipe
        recipe.more = "monitors: [length: {factor: 2}]"

        let watched = try await runInMemory(recipe, in: scratch)

        let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
        let records = try RunMetrics(reading: ledger).monitors
        #expect(watched == plain)
        #expect(records.map(\.round) == [-1, 0, 1, 2])
        #expect(records.map { $0.report.metrics["length"] }.first == .some(0))
        let last = try BlobDecoder.adapter(from: ledger.adapterBlob(round: 3))
        #expect(records.last?.report.metrics["length"] == 2 * last.norm)
    }

    @Test(
        "an unknown guard, monitor or transform and a bad setting are errors with a line",
        arguments: [
            (
                "guards: [stubbon: {}]",
                "found the guard 'stubbon', expected one of bounds, features, stubborn"
            ),
            ("monitors: [drift]", "found the monitor 'drift', expected one of answerDrift, features, length"),
            ("guards: [bounds: {}]", "key 'guards[0].bounds': found no bound"),
            ("guards: [bounds: {minimum: 2, maximum: 1}]", "found 2.0, above the maximum of 1.0"),
            ("guards: [bounds: {minimun: 1}]", "unknown key; did you mean 'minimum'?"),
            ("transforms: {client: [clip: {norm: -1}]}", "key 'transforms.client[0].clip.norm'"),
            ("transforms: {client: [clamp: {}]}", "'clamp'"),
            ("objectives: [kl: {}]", "the trainer 'vector' takes no further objectives"),
            ("model: {embedded: tiny}", "the trainer 'vector' has no 'model'"),
        ]
    )
    func configuration(more: String, says: String) throws {
        var recipe = Self.recipe
        recipe.more = more

        let error = #expect(throws: ConfigurationError.self) { try recipe.job() }

        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
        #expect(error?.problems.first?.line != nil)
    }
}
