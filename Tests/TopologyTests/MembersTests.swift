import Contract
import Testing

@testable import Topology

@Suite("Members and changes")
struct MembersTests {
    private static let three = """
        federation: demo
        trainer: {name: rlvr}
        rounds: {count: 3, steps: 60}
        data:
          clients: {families: [inc, dec], clients: 3}
        clients: [{name: maple}, {name: ash}, {name: birch}]
        """

    private func context(_ yaml: String) throws -> RunContext {
        try Topology.parse(yaml, folder: "/here").runContext(threads: 1, shared: SharedValues())
    }

    private func place(of client: String, in yaml: String) throws -> Int {
        ClientContext(run: try context(yaml), name: client).place
    }

    @Test("a client's share does not depend on where the file lists it")
    func order() throws {
        let turned = Self.three.replacing(
            "{name: maple}, {name: ash}, {name: birch}",
            with: "{name: birch}, {name: maple}, {name: ash}"
        )
        #expect(try context(Self.three).clients == ["ash", "birch", "maple"])
        for client in ["ash", "birch", "maple"] {
            #expect(try place(of: client, in: turned) == place(of: client, in: Self.three))
        }
    }

    @Test("a client that leaves the file stays a member, and the others keep their shares")
    func leaving() throws {
        let named = Self.three.replacing("data:", with: "data:\n  members: [maple, ash, birch]")
        let without = named.replacing("{name: maple}, ", with: "")
        #expect(try Topology.parse(without, folder: "/here").clients.count == 2)
        #expect(try place(of: "ash", in: named) == 1)
        #expect(try place(of: "ash", in: without) == 1)
        #expect(try place(of: "birch", in: without) == 2)
        let topology = try Topology.parse(named, folder: "/here")
        #expect(try Topology.parse(topology.resolvedYAML, folder: "/there") == topology)
    }

    @Test("a client that is no member is an error that names it")
    func stranger() throws {
        let text = Self.three.replacing("data:", with: "data:\n  members: [maple, ash]")
        let error = #expect(throws: ConfigurationError.self) {
            try Topology.parse(text, file: "t.yaml", folder: "/here")
        }
        #expect(error?.description.contains("'data.members'") == true)
        #expect(error?.description.contains("'birch' is not among them") == true)
    }

    @Test("what changed since a run began is named, and only what nobody agreed on or learns from may")
    func changes() throws {
        let earlier = try Topology.parse(Self.three, folder: "/here")
        func changes(_ old: String, _ new: String) throws -> [Topology.Change] {
            try Topology.parse(Self.three.replacing(old, with: new), folder: "/here").changes(from: earlier)
        }
        #expect(earlier.changes(from: earlier).isEmpty)
        let quorum = try changes("steps: 60", "steps: 60, quorum: 2, deadlines: {update: 1m}")
        #expect(quorum.map(\.key) == ["rounds.quorum", "rounds.deadlines.update"])
        #expect(quorum.first?.description == #"'rounds.quorum' is 2, it was "majority""#)
        #expect(quorum.map(\.isAllowed) == [true, true])
        let delay = try changes("{name: birch}", "{name: birch, delay: 1s}")
        #expect(delay.map(\.key) == ["clients[2].delay"])
        #expect(delay.map(\.isAllowed) == [true])
        let data = try changes("clients: 3", "clients: 3, privateCount: 7")
        #expect(data.first?.key == "data.clients.privateCount")
        #expect(data.first?.earlier == "nothing")
        #expect(data.map(\.isAllowed).contains(true) == false)
        let moved = try Topology.parse(Self.three, folder: "/there")
        #expect(moved.changes(from: earlier).isEmpty)
        let files = Self.three.replacing("{families: [inc, dec], clients: 3}", with: "{path: mine.jsonl}")
        let here = try Topology.parse(files, folder: "/here")
        let there = try Topology.parse(files, folder: "/there").changes(from: here)
        #expect(there.map(\.key) == ["folder"] && there.map(\.isAllowed) == [false])
        #expect(try changes("count: 3", "count: 4").map(\.isAllowed) == [true])
        #expect(try changes("steps: 60", "steps: 61").map(\.isAllowed).contains(true) == false)
        #expect(try changes(", {name: birch}", "").map(\.isAllowed).contains(false))
    }

    @Test("new clients are found whoever is listed where, and whatever else differs is named")
    func additions() throws {
        let earlier = try Topology.parse(Self.three, folder: "/here")
        func additions(_ old: String, _ new: String) throws -> (clients: [String], others: [Topology.Change])
        {
            try Topology.parse(Self.three.replacing(old, with: new), folder: "/here").additions(to: earlier)
        }
        let more = try additions(
            "{name: ash}",
            "{name: zelkova}, {name: ash}, {name: alder, data: {path: x.jsonl}}"
        )
        #expect(more.clients == ["alder", "zelkova"] && more.others.isEmpty)
        #expect(earlier.additions(to: earlier).clients.isEmpty)
        let longer = try additions("{name: birch}", "{name: birch, delay: 1s}, {name: elm}")
        #expect(longer.clients == ["elm"] && longer.others.map(\.key) == ["clients[2].delay"])
        #expect(try additions("count: 3", "count: 4").others.map(\.key) == ["rounds.count"])
        let gone = try additions("{name: birch}", "{name: elm}")
        #expect(gone.others.map(\.description) == ["'clients' is without 'birch', it was with it"])
    }
}
