import Testing
import Topology

@testable import Contract

@Suite("Settings of a mapping")
struct SettingsTests {
    struct Settings: TrainerSettings {
        struct Schedule: Codable, Sendable, Equatable {
            var warmup = 3
            var decay = 0.5
        }
        enum Shape: String, Codable, Sendable, CaseIterable { case round, flat }

        var learningRate = 0.1
        var batchSize = 16
        var shape = Shape.round
        var names = ["a"]
        var limit: Int?
        var ratio: Float = 0.5
        var schedule = Schedule()

        func validate() throws(SettingsFault) {
            try SettingsFault.require(
                schedule.warmup >= 0,
                "schedule.warmup",
                "found \(schedule.warmup), expected 0 or more"
            )
        }
    }

    private func read(_ yaml: String) throws -> Settings {
        try Mapping(yaml: yaml, file: "t.yaml", key: "trainer.settings").read(Settings.self) { $0 }
    }

    @Test("what is not written is the default, also inside")
    func defaults() throws {
        var expected = Settings()
        #expect(try read("{}") == expected)

        expected.schedule.decay = 1
        expected.limit = 7
        expected.shape = .flat
        #expect(try read("{schedule: {decay: 1}, limit: 7, shape: flat}") == expected)
    }

    @Test("equal settings give equal bytes, however they are written")
    func canonical() throws {
        let one = try read("{batchSize: 4, learningRate: 1e-1}").json()
        let other = try read("learningRate: 0.1\nbatchSize: 4").json()

        #expect(one == other)
        #expect(try Settings(json: one).json() == one)
    }

    @Test(
        "what is wrong is named with its line, its key, what was found and what was expected",
        arguments: [
            ("batchSize: many", 1, "trainer.settings.batchSize", "found 'many', expected a whole number"),
            (
                "shape: flat\nlearningRate: {}", 2, "trainer.settings.learningRate",
                "found a mapping, expected a number"
            ),
            ("batchSize: 1.5", 1, "trainer.settings.batchSize", "found '1.5', expected a whole number"),
            (
                "\n\nlearningrate: 1", 3, "trainer.settings.learningrate",
                "unknown key; did you mean 'learningRate'?"
            ),
            ("schedule:\n  warmupp: 1", 2, "trainer.settings.schedule.warmupp", "did you mean 'warmup'?"),
            (
                "schedule:\n  warmup: -1", 2, "trainer.settings.schedule.warmup",
                "found -1, expected 0 or more"
            ),
            ("names: [a, {}]", 1, "trainer.settings.names[1]", "found a mapping, expected a text"),
            ("shape: square", 1, "trainer.settings.shape", "found 'square', expected one of round, flat"),
            (
                "batchSize: '4'", 1, "trainer.settings.batchSize",
                "found the text '4', expected a whole number"
            ),
            ("ratio: 1e39", 1, "trainer.settings.ratio", "expected a number that float32 can hold"),
        ]
    )
    func faults(yaml: String, line: Int, key: String, says: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(yaml) }

        #expect(error?.problems.first?.line == line, "\(String(describing: error))")
        #expect(error?.problems.first?.key == key, "\(String(describing: error))")
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }

    @Test("one wrong value makes no key after it unknown, and does not hide what else is wrong")
    func several() {
        let error = #expect(throws: ConfigurationError.self) {
            try read(
                "names: a\nshape: square\nlimit: 3\nschedule: {warmup: x, decay: 1}\nbatchSize: many\nbatch: 1"
            )
        }

        #expect(
            error?.problems.map(\.key) == [
                "trainer.settings.names", "trainer.settings.shape", "trainer.settings.schedule.warmup",
                "trainer.settings.batchSize", "trainer.settings.batch",
            ]
        )
    }

    @Test("edit distance counts swaps of neighbours as one")
    func distance() {
        #expect(NearestKey.distance("quorum", "quroum") == 1)
        #expect(NearestKey.distance("", "abc") == 3)
        #expect(NearestKey.distance("kitten", "sitting") == 3)
        #expect(NearestKey.suggestion(for: "step", among: ["count", "steps"]) == "steps")
        #expect(NearestKey.suggestion(for: "xyz", among: ["count", "steps"]) == nil)
    }
}
