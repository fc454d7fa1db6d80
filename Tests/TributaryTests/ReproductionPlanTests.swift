import Contract
import Digest
import Nodes
import Tasks
import Testing
import Topology
import Trainers

@testable import tributary

@Suite("What a reproduction runs")
struct ReproductionPlanTests {
    @Test("cells come in the same order with the same fingerprints each time")
    func deterministic() throws {
        let first = try smallPlan().cells(), second = try smallPlan().cells()

        #expect(first.map(\.name) == second.map(\.name))
        #expect(first.map(\.fingerprint) == second.map(\.fingerprint))
        #expect(first.count == 2 * 2 * 7 + 2)
        #expect(Set(first.map(\.name)).count == first.count)
        #expect(Set(first.map(\.fingerprint)).count == first.count)
        #expect(first.prefix(8).map(\.method) == ReproductionMethod.allCases)
        #expect(first.prefix(8).allSatisfy { $0.seed == 1 })
    }

    @Test("methods at one seed have the same questions, the same base and the same number of steps")
    func paired() throws {
        for cell in try smallPlan().cells() {
            let topology = cell.topology
            let pair = try smallTopology(seed: cell.seed)

            #expect(topology.seed == cell.seed)
            #expect(topology.rounds.count * topology.rounds.steps == 12)
            #expect(topology.publicData == pair.publicData && topology.evaluation == pair.evaluation)
            #expect(topology.model == pair.model && topology.adapter == pair.adapter)
            #expect(topology.rounds.quorum == topology.clients.count)
            if cell.method != .centralised { #expect(topology.clients == pair.clients) }
        }
    }

    @Test("each method differs from the balanced one in what its name says")
    func methods() throws {
        let base = try smallTopology()
        let make = { (method: ReproductionMethod) in
            try method.topology(from: base, steps: 6, seed: 3, proximalWeight: 0.25)
        }
        for (method, rule) in [
            (ReproductionMethod.balanced, "balanced"), (.none, "none"), (.random, "random"),
            (.replaceAll, "replaceAll"),
        ] {
            let topology = try make(method)
            #expect(topology.pool == rule && topology.rounds.publicSteps == 2)
        }
        for method in [ReproductionMethod.privateOnly, .fedProx, .localOnly, .centralised] {
            #expect(try make(method).rounds.publicSteps == 0)
        }
        let proximal = try RLVRSettings(json: make(.fedProx).trainer.settings.json)
        #expect(proximal.proximalWeight == 0.25)
        #expect(try RLVRSettings(json: make(.privateOnly).trainer.settings.json).proximalWeight == 0)
    }

    @Test("a centralised run has everybody's questions and as many samples as all clients together")
    func centralised() throws {
        let cells = try smallPlan(methods: [.centralised], seeds: [5]).cells()

        #expect(cells.count == 1)
        let cell = try #require(cells.first)
        #expect(cell.topology.clients.count == 1 && cell.topology.rounds.count == 1 && cell.steps == 12)
        #expect(try RLVRSettings(json: cell.topology.trainer.settings.json).promptsPerStep == 4)
        let questions = try CellRunner.questions(of: cell)
        #expect(questions.count == 20 && Set(questions.map(\.id)).count == 20)
        #expect(Set(questions.map(\.topic)) == ["inc", "dec"])
    }

    @Test("another seed draws other questions for a centralised run")
    func centralisedSeeds() throws {
        let cells = try smallPlan(methods: [.centralised]).cells()

        let prompts = try cells.map { try CellRunner.questions(of: $0).map(\.prompt) }

        #expect(prompts.count == 2 && prompts[0] != prompts[1])
        #expect(cells[0].fingerprint != cells[1].fingerprint)
    }

    @Test("another base model or another weight makes another fingerprint, where it matters")
    func fingerprints() throws {
        let plan = try smallPlan(steps: nil, methods: [.balanced, .fedProx], seeds: [1])
        var heavier = plan, other = plan
        heavier.proximalWeight = 1
        other.setups[0].baseModel = "9"

        let (a, b, c) = (try plan.cells(), try heavier.cells(), try other.cells())

        #expect(a[0].fingerprint == b[0].fingerprint && a[1].fingerprint != b[1].fingerprint)
        #expect(a[0].fingerprint != c[0].fingerprint)
    }

    @Test("steps that do not divide the budget and other trainers are refused")
    func refused() throws {
        #expect(throws: NodeError(.configuration, "")) { try smallPlan(steps: [5]).cells() }

        var plan = try smallPlan()
        plan.setups[0].topology.trainer.name = "supervised"
        #expect(throws: NodeError(.configuration, "")) { try plan.cells() }
    }

    @Test("presets are whole topologies that differ in base model and in how far apart the clients are")
    func presets() throws {
        let (easy, hard) = (try ReproductionPreset.default.topology(), try ReproductionPreset.hard.topology())

        for topology in [easy, hard] {
            #expect(topology.rounds.count * topology.rounds.steps == 180 && topology.rounds.publicSteps == 20)
            let found = try Job(topology, .shipped).examine(as: nil).found
            #expect(found.contains { $0.hasPrefix("public: 256 questions") })
            #expect(found.count { $0.hasPrefix("client ") && $0.contains(": 400 questions") } == 4)
        }
        #expect(try easy.model == Mapping(yaml: "embedded: tiny-arithmetic"))
        try #expect(hard.model == Mapping(yaml: "embedded: tiny-arithmetic-hard"))
        let questions = { (topology: Topology) in
            try LanguageData.questions(of: Job(topology, .shipped).clientContext("inc"))
        }
        let (mixed, own) = (try questions(easy), try questions(hard))
        #expect(mixed.count { $0.topic == "inc" } == 380 && own.allSatisfy { $0.topic == "inc" })
    }
}
