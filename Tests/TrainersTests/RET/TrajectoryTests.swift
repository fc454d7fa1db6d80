import Contract
import Foundation
import Models
import Randomness
import Tensors
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("Trajectories are recorded and kept")
struct TrajectoryTests {
    private func folder() -> String {
        FileManager.default.temporaryDirectory.appending(path: "tributary-trajectories-\(UUID().uuidString)")
            .path
    }

    private let header = TrajectoryHeader(
        source: PhaseStates.source(3),
        mode: "read",
        maxTokens: 8,
        temperature: 0,
        seed: 1,
        data: "none",
        planned: 3
    )

    private func recording(_ index: Int) -> TrajectoryRecorder.Recording {
        let count = index + 2
        let trajectory = Trajectory(
            id: "text \(index)",
            topic: "t",
            tokens: (0..<count).map { Int32($0) },
            promptCount: 1,
            rows: 0..<count,
            label: index < 2 ? index : nil
        )
        let values = (0..<count * 3).map { Float(index * 100 + $0) }
        return TrajectoryRecorder.Recording(trajectory: trajectory, states: Half.bits(values))
    }

    private func write(_ range: Range<Int>, to path: String) throws {
        let writer = try TrajectoryWriter(folder: path, header: header)
        for index in range { try writer.append(recording(index)) }
    }

    @Test("what was written is read back, row by row")
    func roundTrip() throws {
        let path = folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(0..<3, to: path)

        let set = try TrajectoryFolder.open(path)

        #expect(set.trajectories.map(\.rows) == [0..<2, 2..<5, 5..<9])
        #expect(set.trajectories[1].learnableRows == 3..<5)
        #expect(set.trajectories.map(\.label) == [0, 1, nil])
        #expect(try set.states(2..<4) == [100, 101, 102, 103, 104, 105])
        #expect(try TrajectoryFolder.header(of: path) == header)
    }

    @Test("a folder from before there were labels is read, and a trajectory without one says nothing of it")
    func withoutLabels() throws {
        let path = folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(0..<3, to: path)
        let index = "\(path)/index.jsonl"
        let lines = try String(contentsOfFile: index, encoding: .utf8)
        #expect(lines.split(separator: "\n").map { $0.contains("label") } == [true, true, false])
        let bare = lines.replacing(#""label":0,"#, with: "").replacing(#""label":1,"#, with: "")
        try bare.write(toFile: index, atomically: true, encoding: .utf8)

        #expect(try TrajectoryFolder.open(path).trajectories.map(\.label) == [nil, nil, nil])
        let headerText = try String(contentsOfFile: "\(path)/trajectories.json", encoding: .utf8)
        #expect(!headerText.contains("label"))
    }

    @Test("a recording that was cut off goes on after its last whole trajectory", arguments: [0, 1, 2])
    func resumes(damage: Int) throws {
        let (path, whole) = (folder(), folder())
        defer { for path in [path, whole] { try? FileManager.default.removeItem(atPath: path) } }
        try write(0..<3, to: whole)
        try write(0..<2, to: path)
        // As if the program had ended within the third trajectory: with half of its states, or half of its line.
        for (name, bytes) in [
            ("states.f16", [UInt8](repeating: 7, count: 5)),
            ("index.jsonl", Array(#"{"id":"text 2","to"#.utf8)),
        ]
        .prefix(damage) {
            let file = try #require(FileHandle(forWritingAtPath: "\(path)/\(name)"))
            try file.seekToEnd()
            try file.write(contentsOf: Data(bytes))
            try file.close()
        }
        #expect(try TrajectoryFolder.open(path).trajectories.count == 2)

        let writer = try TrajectoryWriter(folder: path, header: header)
        #expect(writer.count == 2 && writer.rowCount == 5)
        try writer.append(recording(2))

        for name in ["states.f16", "index.jsonl", "trajectories.json"] {
            let bytes = FileManager.default.contents(atPath: "\(path)/\(name)")
            #expect(bytes == FileManager.default.contents(atPath: "\(whole)/\(name)"), "\(name)")
        }
    }

    @Test("a folder of another recording, lost states and bad lines are refused by name")
    func refusals() throws {
        let path = folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(0..<2, to: path)
        var other = header
        other.seed = 2
        let refused = #expect(throws: TrajectoryFault.self) {
            _ = try TrajectoryWriter(folder: path, header: other)
        }
        #expect(refused?.reason.contains("another recording") == true)

        let index = "\(path)/index.jsonl"
        let good = try #require(FileManager.default.contents(atPath: index))
        for (bad, reason) in [
            ("{}\n", "line 3: is not a trajectory"),
            (
                #"{"id":"text 0","topic":"t","tokens":[1],"promptCount":0}"# + "\n",
                "line 3: another trajectory has the id"
            ),
            (
                #"{"id":"x","topic":"t","tokens":[1],"promptCount":2}"# + "\n",
                "line 3: found 1 tokens, 2 of them given"
            ),
            (
                #"{"id":"x","topic":"t","tokens":[1],"promptCount":1,"label":2}"# + "\n",
                "line 3: found the label 2, expected 0, 1 or none"
            ),
        ] {
            try (good + Data(bad.utf8)).write(to: URL(filePath: index))
            let fault = #expect(throws: TrajectoryFault.self) { _ = try TrajectoryFolder.open(path) }
            #expect(fault?.description.contains(reason) == true, "\(String(describing: fault))")
        }
        try good.write(to: URL(filePath: index))
        try Data([1, 2]).write(to: URL(filePath: "\(path)/states.f16"))
        let lost = #expect(throws: TrajectoryFault.self) { _ = try TrajectoryFolder.open(path) }
        #expect(lost?.description.contains("found 2 bytes, expected at least 30") == true)
        let nothing = #expect(throws: TrajectoryFault.self) { _ = try TrajectoryFolder.open(path + "/none") }
        #expect(nothing?.description.contains("trajectories record") == true)
    }

    @Test("a state that is not finite is refused with its text and its file")
    func notFinite() throws {
        let path = folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(0..<3, to: path)
        let file = "\(path)/states.f16"
        var bytes = try Data(contentsOf: URL(filePath: file))
        // The second value of the third state, which is the second text's first: binary16's infinity.
        (bytes[2 * 7], bytes[2 * 7 + 1]) = (0, 0x7C)
        try bytes.write(to: URL(filePath: file))
        let set = try TrajectoryFolder.open(path)

        #expect(try set.states(0..<2).count == 6)
        let fault = #expect(throws: TrajectoryFault.self) { _ = try StateStatistics(of: set.all) }

        #expect(fault?.description == "\(file): state 2, of 'text 1', has a value that is not finite")
    }

    private func decoder() throws -> (LanguageDecoder, BaseModel) {
        let base = try BaseModel.load(.directory(try SharedModel.get().path))
        return (LanguageDecoder(base), base)
    }

    private let texts = [
        TrajectoryRecorder.Given(id: "a", topic: "t", tokens: [1, 5, 6, 7, 8]),
        TrajectoryRecorder.Given(id: "b", topic: "t", tokens: [1, 9, 10]),
    ]

    @Test("the states are the residual stream's at the layers asked for, packed or alone")
    func reads() throws {
        let (decoder, base) = try decoder()
        let both = try TrajectoryRecorder(decoder, of: base, layers: [1, 0])
        #expect(both.source.layers == [0, 1])
        let recordings = both.read(texts)
        let width = base.configuration.hiddenSize

        for (text, recording) in zip(texts, recordings) {
            let batch = PackedBatch(groups: [(prompt: text.tokens, responses: [])])
            var streams: [Int: [Float]] = [:]
            _ = decoder.hidden(tape: Tape(recording: false), batch: batch) { _, index, residual in
                streams[index] = residual.toArray()
                return residual
            }
            let states = Half.values(recording.states)
            for row in text.tokens.indices {
                for (place, layer) in [0, 1].enumerated() {
                    let found = states[(row * 2 + place) * width..<(row * 2 + place + 1) * width]
                    let wanted = try #require(streams[layer])[row * width..<(row + 1) * width]
                    #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= 1e-3 * max(1, abs($1)) })
                }
            }
        }
    }

    @Test("states of what is generated are those of reading it afterwards")
    func generates() throws {
        let (decoder, base) = try decoder()
        let recorder = try TrajectoryRecorder(decoder, of: base, layers: [1])
        let settings = SamplingSettings(maxTokens: 6)
        let recordings = recorder.generate(texts, settings: settings) { RandomStream(seed: 4, "sample", $0) }

        for recording in recordings {
            #expect(recording.trajectory.tokens.count == recording.trajectory.promptCount + 5)
            let prompt = recording.trajectory.tokens.prefix(recording.trajectory.promptCount)
            #expect(prompt + recording.response.dropLast() == recording.trajectory.tokens[...])
            let again = TrajectoryRecorder.Given(id: "x", topic: "t", tokens: recording.trajectory.tokens)
            let read = try #require(recorder.read([again]).first)
            let (mine, theirs) = (Half.values(recording.states), Half.values(read.states))
            #expect(zip(mine, theirs).allSatisfy { abs($0 - $1) <= 2e-3 * max(1, abs($1)) })
        }
    }

    @Test("a layer that the model does not have is refused with the ones it has")
    func wrongLayer() throws {
        let (decoder, base) = try decoder()
        for layers in [[2], [-1], [], [1, 1]] {
            let fault = #expect(throws: TrajectoryFault.self) {
                _ = try TrajectoryRecorder(decoder, of: base, layers: layers)
            }
            #expect(fault?.reason.contains("0 … 1") == true)
        }
    }

    @Test("statistics skip what is not learnt from, and a coordinate that never changes has deviation 1")
    func statistics() throws {
        let values: [Float] = [100, 5, 1, 5, 3, 5]
        let trajectory = Trajectory(id: "a", topic: "", tokens: [0, 1, 2], promptCount: 1, rows: 0..<3)
        let set = TrajectorySet(
            source: PhaseStates.source(2),
            trajectories: [trajectory],
            states: Half.bits(values)
        )

        #expect(
            try StateStatistics(of: set.all, skipsPrompt: true)
                == StateStatistics(mean: [2, 5], deviation: [1, 1])
        )
    }
}
