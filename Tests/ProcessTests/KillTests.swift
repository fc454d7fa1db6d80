import Foundation
import Testing

extension ProcessTests {
    /// `kill -9` at every point of a run: the run ends with the adapter of the undisturbed one.
    @Suite(.serialized)
    struct KillTests {
        /// A point of a run, recognised from outside by `status.json` and the logs.
        enum Moment: String, CaseIterable, CustomTestStringConvertible {
            case enrolling = "before enrolment is complete"
            case localSteps = "between local steps"
            case publicStep = "while a public step waits for a client"
            case uploading = "while updates are uploaded"
            case merging = "while updates are merged and evaluated"
            case betweenRounds = "as the next round begins"
            case lastUpdate = "with the last updates"
            case ending = "as the coordinator ends"

            var testDescription: String { rawValue }

            /// Whether the run is there.
            func isNow(_ run: Federation) -> Bool {
                let status = run.status
                switch self {
                case .enrolling:
                    return status?.phase == "enrolling"
                        || run.log(Federation.coordinator).contains("client admitted")
                case .localSteps:
                    return run.log(Federation.coordinator).contains("client=max  round=0  step=0")
                case .publicStep:
                    return run.log("inc").contains("responses(round: 0, step: 2)")
                        && !run.log("max").contains("responses(round: 0, step: 2)")
                case .uploading:
                    return run.log(Federation.coordinator).contains("client=inc  round=0  step=5")
                case .merging:
                    return SmallTopology.clients.allSatisfy { run.log($0).contains("update(round: 0)") }
                case .betweenRounds:
                    return run.log("inc").contains("round began  round=1")
                case .lastUpdate:
                    return run.log(Federation.coordinator).contains("client=inc  round=1  step=5")
                case .ending:
                    return run.log(Federation.coordinator).contains("round=1  slices=")
                }
            }
        }

        @Test(
            "kill -9 of the coordinator or of a client loses nothing",
            .timeLimit(.minutes(2)),
            arguments: Moment.allCases,
            [Federation.coordinator, "inc"]
        )
        func killed(_ moment: Moment, _ victim: String) async throws {
            try await Bench.with { bench in
                // Long enough for a busy machine to see the moment.
                let delayMs = moment == .publicStep ? 1_500 : 80
                let run = try await Federation(SmallTopology(delayMs: delayMs), in: bench)
                try run.start(moment == .enrolling ? [Federation.coordinator, "inc"] : Federation.everyone)
                try #require(await eventually { moment.isNow(run) }, "the run never came \(moment.rawValue)")
                // At this moment, the victim is alive: only an ending coordinator's clients may be gone already.
                if moment != .ending { #expect(run.running[victim]?.exitCode == nil) }
                await run.kill(victim)
                try run.start(victim)
                if moment == .enrolling { try run.start("dec", "max") }
                #expect(try await run.finish() == Federation.undisturbed())
            }
        }

        @Test("kill -9 of everybody at once loses nothing", .timeLimit(.minutes(2)), arguments: [300, 900])
        func powerCut(afterMs: Int) async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 40), in: bench)
                try run.start(Federation.everyone)
                try await Task.sleep(for: .milliseconds(afterMs))
                for node in Federation.everyone { run.running[node]?.send(SIGKILL) }
                for node in Federation.everyone { await run.kill(node) }
                try run.start(Federation.everyone)
                #expect(try await run.finish() == Federation.undisturbed())
            }
        }

        @Test(
            "kill -9 loses nothing of macrostates either, and one process ends with the same ones",
            .timeLimit(.minutes(2)),
            arguments: [Moment.publicStep, .uploading]
        )
        func macrostates(_ moment: Moment) async throws {
            try await Bench.with { bench in
                var topology = SmallTopology(delayMs: 80)
                topology.isRET = true
                let run = try await Federation(topology, in: bench)
                let alone = bench.path("alone")
                try await bench.succeed("tributary", ["simulate", run.topologyFile, "--out", alone])
                try run.start(Federation.everyone)
                try #require(await eventually { moment.isNow(run) }, "the run never came \(moment.rawValue)")
                for victim in [Federation.coordinator, "inc"] {
                    await run.kill(victim)
                    try run.start(victim)
                }
                #expect(try await run.finish() == Federation.adapter(below: alone + "/coordinator"))
            }
        }

        @Test("kill -9 at random instants loses nothing", .timeLimit(.minutes(2)), arguments: 1...4)
        func randomInstants(seed: UInt64) async throws {
            var random = SplitMix(state: seed)
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 60), in: bench)
                try run.start(Federation.everyone)
                for _ in 0..<3 {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 20...900, using: &random)))
                    let victim = Federation.everyone[Int.random(in: 0...3, using: &random)]
                    // Once somebody has ended, the federation is over: there is nobody to come back to.
                    guard Federation.everyone.allSatisfy({ run.running[$0]?.exitCode == nil }) else { break }
                    await run.kill(victim)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &random)))
                    try run.start(victim)
                }
                #expect(try await run.finish() == Federation.undisturbed())
            }
        }
    }
}

/// A small generator, so that the instants of a seed are always the same.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
