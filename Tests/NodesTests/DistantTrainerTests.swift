import Contract
import Foundation
import Testing
import TrainersTestSupport
import Wire

@testable import Nodes

/// A trainer that lives elsewhere: every call and every answer is bytes and JSON in a pipe.
@Suite struct DistantTrainerTests {
    @Test("a trainer behind a pipe of bytes ends with the same adapter, also after a crash")
    func sameAdapter() async throws {
        let near = Recipe(clients: ["ash", "birch"], rounds: 2, steps: 6)
        var far = near
        far.trainer = DistantTrainer.name

        let expected = try await runInMemory(near, in: Scratch())
        let found = try await runInMemory(far, in: Scratch())
        let point = CrashPoint(victim: "ash", sender: .client, type: .offerUpdate, skipping: 1, arrives: true)
        let (again, crashed) = try await runCrashing(far, at: point, in: Scratch())

        #expect(found == expected && crashed && again == expected)
    }
}

/// The near half: it knows the contract and a pipe, and no trainer.
struct DistantTrainer: LocalTrainer {
    static let name = "distant"
    private let line: Line
    private(set) var adapter: AdapterWeights

    init(settings: VectorSettings, context: ClientContext) throws {
        let (near, far) = Line.pair()
        Thread { try? DistantTrainer.serve(far) }.start()
        let who = Origin(
            seed: context.run.seed,
            steps: context.run.schedule.stepsPerRound,
            local: context.run.schedule.localPerPublic,
            clients: context.run.clients,
            name: context.name
        )
        try near.send(who)
        line = near
        adapter = AdapterWeights([])
        _ = try call("make", bytes: Data(settings.json()))
    }

    private mutating func call(_ method: String, _ numbers: [Int] = [], bytes: Data = Data()) throws -> Reply
    {
        try line.send(Request(method: method, numbers: numbers, bytes: bytes))
        let reply = try line.receive(Reply.self)
        if let fault = reply.fault { throw Failure(description: fault) }
        adapter = try BlobDecoder.adapter(from: EncodedBlob(serialized: Array(reply.adapter)))
        return reply
    }

    mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        _ = try call("beginRound", [round], bytes: DistantTrainer.bytes(of: adapter))
    }

    mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        let numbers = [plan.round, plan.steps.lowerBound, plan.steps.upperBound]
        let reports = try call("adapt", numbers).reports.map(\.value)
        for report in reports.dropLast() { try progress(report) }
        return reports[reports.count - 1]
    }

    mutating func respond(to batch: PublicBatch) throws -> [Response] {
        let bytes = try call("respond", bytes: Data(BlobEncoder.encode(batch).serialized())).bytes
        return try BlobDecoder.responses(from: EncodedBlob(serialized: Array(bytes)))
    }

    mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
        try call("absorb", bytes: Data(BlobEncoder.encode(pool).serialized())).reports[0].value
    }

    func snapshot() throws -> [UInt8] {
        var copy = self
        return Array(try copy.call("snapshot").bytes)
    }

    mutating func restore(_ bytes: [UInt8]) throws { _ = try call("restore", bytes: Data(bytes)) }

    private static func bytes(of adapter: AdapterWeights) throws -> Data {
        Data(try BlobEncoder.encode(adapter, as: .adapter, encoding: .f32).serialized())
    }

    /// The far half: a thread that could be another process.
    private static func serve(_ line: Line) throws {
        let origin = try line.receive(Origin.self)
        var trainer: (any LocalTrainer)?
        while true {
            let request = try line.receive(Request.self)
            var reply = Reply()
            do {
                try answer(request, origin, &trainer, &reply)
                if let adapter = trainer?.adapter { reply.adapter = try bytes(of: adapter) }
            } catch {
                reply.fault = "\(error)"
            }
            try line.send(reply)
        }
    }

    private static func answer(
        _ request: Request,
        _ origin: Origin,
        _ trainer: inout (any LocalTrainer)?,
        _ reply: inout Reply
    ) throws {
        let (numbers, bytes) = (request.numbers, Array(request.bytes))
        switch request.method {
        case "make": trainer = try ToyTrainers.vector.makeTrainer(bytes, origin.context)
        case "beginRound":
            let adapter = try BlobDecoder.adapter(from: EncodedBlob(serialized: bytes))
            try trainer?.beginRound(numbers[0], adapter: adapter)
        case "adapt":
            let plan = StepPlan(round: numbers[0], steps: numbers[1]..<numbers[2])
            let mean = try trainer?.adapt(plan) { reply.reports.append(Report($0)) }
            reply.reports += mean.map { [Report($0)] } ?? []
        case "respond":
            let batch = try BlobDecoder.batch(from: EncodedBlob(serialized: bytes))
            reply.bytes = Data(try BlobEncoder.encode(trainer?.respond(to: batch) ?? []).serialized())
        case "absorb":
            let pool = try BlobDecoder.pool(from: EncodedBlob(serialized: bytes))
            if let report = try trainer?.absorb(pool) { reply.reports = [Report(report)] }
        case "snapshot": reply.bytes = Data(try trainer?.snapshot() ?? [])
        default: try trainer?.restore(bytes)
        }
    }
}

// MARK: - What goes through the pipe

private struct Origin: Codable {
    var seed: UInt64
    var steps: Int
    var local: Int?
    var clients: [String]
    var name: String

    var context: ClientContext {
        let schedule = Schedule(stepsPerRound: steps, localPerPublic: local)
        return ClientContext(run: RunContext(seed: seed, schedule: schedule, clients: clients), name: name)
    }
}

private struct Request: Codable {
    var method: String
    var numbers: [Int]
    var bytes: Data
}

private struct Reply: Codable {
    var adapter = Data()
    var bytes = Data()
    var reports: [Report] = []
    var fault: String?
}

private struct Report: Codable {
    var numbers: [Int]
    var metrics: [String: Double]

    init(_ report: StepReport) {
        numbers = [report.round, report.steps.lowerBound, report.steps.upperBound, report.examples]
        metrics = report.metrics
    }

    var value: StepReport {
        StepReport(
            round: numbers[0],
            steps: numbers[1]..<numbers[2],
            examples: numbers[3],
            metrics: metrics
        )
    }
}

private struct Failure: Error {
    var description: String
}

/// One end of two pipes: lengths and JSON.
private final class Line: Sendable {
    private let input: FileHandle
    private let output: FileHandle

    private init(_ input: FileHandle, _ output: FileHandle) { (self.input, self.output) = (input, output) }

    static func pair() -> (Line, Line) {
        let (there, back) = (Pipe(), Pipe())
        return (
            Line(back.fileHandleForReading, there.fileHandleForWriting),
            Line(there.fileHandleForReading, back.fileHandleForWriting)
        )
    }

    deinit { try? output.close() }

    func send(_ value: some Encodable) throws {
        let body = try JSONEncoder().encode(value)
        let head = withUnsafeBytes(of: UInt64(body.count).littleEndian) { Data($0) }
        try output.write(contentsOf: head + body)
    }

    func receive<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let length = try take(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return try JSONDecoder().decode(type, from: take(length))
    }

    private func take(_ count: Int) throws -> Data {
        var data = Data()
        while data.count < count {
            guard let more = try input.read(upToCount: count - data.count), !more.isEmpty else {
                throw Failure(description: "the other end hung up")
            }
            data += more
        }
        return data
    }
}
