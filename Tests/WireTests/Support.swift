import Digest
import Contract
import FoundationEssentials
import Randomness

@testable import Wire

/// Where the protocol's documents are.
enum Repository {
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    static func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(root)/\(path)"))
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try bytes(path), as: UTF8.self)
    }

    /// The rows of the table under a heading of SPEC.md, cells trimmed, without backticks.
    static func table(under heading: String, withHeader: Bool = false) throws -> [[String]] {
        let lines = try text("protocol/SPEC.md").split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("#") && $0.hasSuffix(heading) }) else {
            return []
        }
        let rows = Array(lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("|") })
        let header: [Substring] = withHeader ? Array(rows[..<1]) : []
        return (header + rows[2...]).map { row in
            row.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                cell.filter { $0 != "`" }.trimmed
            }
        }
    }
}

extension StringProtocol {
    var trimmed: String {
        var rest = self[...]
        while rest.first == " " { rest = rest.dropFirst() }
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}

extension Array<UInt8> {
    /// The bytes of hexadecimal digits.
    init(hex: String) {
        let digits = Array<UInt8>(hex.utf8).map { $0 > 0x39 ? $0 - 0x57 : $0 - 0x30 }
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

enum Sample {
    static let digest = SHA256Digest(of: Array("a".utf8))
    static let otherDigest = SHA256Digest(of: Array("b".utf8))

    /// Independent normal values with a standard deviation.
    static func gaussian(_ count: Int, seed: UInt64, deviation: Double = 1) -> [Float] {
        var stream = RandomStream(seed: seed, "gaussian")
        return (0..<count).map { _ in
            let radius = (-2 * logarithm(1 - stream.uniform())).squareRoot()
            return Float(deviation * radius * cosine(2 * .pi * stream.uniform()))
        }
    }

    static func adapter(seed: UInt64 = 1, deviation: Double = 0.01) -> AdapterWeights {
        AdapterWeights([
            NamedArray(
                name: "lora_A.weight",
                shape: [4, 32],
                values: gaussian(128, seed: seed, deviation: deviation)
            ),
            NamedArray(
                name: "lora_B.weight",
                shape: [48, 4],
                values: gaussian(192, seed: seed + 1, deviation: deviation)
            ),
            NamedArray(name: "scale", shape: [], values: [1.5]),
        ])
    }

    /// An adapter with a low-rank pair, two averaged arrays and two counters.
    static func mixedAdapter(seed: UInt64 = 1) -> AdapterWeights {
        var arrays = adapter(seed: seed).arrays
        arrays[0].part = .lowRank(.a, module: "m")
        arrays[1].part = .lowRank(.b, module: "m")
        return AdapterWeights(
            arrays + [
                NamedArray(name: "counts.seen", shape: [], values: [16_777_215], part: .summed),
                NamedArray(name: "visits", shape: [3], values: [1, 0, 4_097], part: .summed),
            ]
        )
    }

    static func manifest(_ kind: BlobKind) throws -> Manifest {
        guard !kind.holdsArrays else {
            return try BlobEncoder.encode(adapter(), as: kind, encoding: .bf16).manifest
        }
        let entry = ManifestEntry(
            name: kind.rawValue,
            elementType: .bytes,
            compression: .stored,
            shape: [7],
            rawBytes: 7,
            encodedBytes: 7
        )
        return try Manifest(kind: kind, entries: [entry], digest: digest)
    }

    static let fingerprint = [
        FingerprintPart("base model", digest.description), FingerprintPart("adapter.rank", "8"),
        FingerprintPart("note", ""),
    ]

    static let metrics = [Metric(name: "loss", value: 0.25), Metric(name: "reward", value: -1e300)]

    static func clientMessages() throws -> [ClientMessage] {
        [
            .hello(
                Hello(
                    software: "tributary 0.1",
                    federation: "demo",
                    client: "north",
                    trainer: "rlvr",
                    fingerprint: fingerprint
                )
            ),
            .hello(
                Hello(
                    software: "",
                    federation: "d",
                    client: "n",
                    trainer: "ret",
                    fingerprint: []
                )
            ),
            .fetchRound(FetchRound(after: -1)),
            .fetchRound(FetchRound(after: Limits.roundsMax)),
            .fetchBatch(FetchBatch(round: 3, step: 9)),
            .offerResponses(OfferResponses(round: 3, step: 9, manifest: try manifest(.responses))),
            .fetchPool(FetchPool(round: 0, step: 0)),
            .offerUpdate(
                OfferUpdate(round: 3, manifest: try manifest(.update), examples: 640, metrics: metrics)
            ),
            .progress(StepProgress(round: 3, step: 9, metrics: metrics)),
            .bye(Bye(reason: "done – all of it")),
            .ask(Ask(.stop)),
            .continue(Continue(transfer: digest, fromChunk: 5)),
            .chunk(Chunk(transfer: digest, index: 5, bytes: [1, 2, 3])),
            .heartbeat,
        ]
    }

    static func coordinatorMessages() throws -> [CoordinatorMessage] {
        [
            .welcome(
                Welcome(
                    session: .max,
                    seed: 7,
                    trainer: "rlvr",
                    settings: Array("{}".utf8),
                    rounds: 3,
                    steps: 6,
                    localPerPublic: 2,
                    heartbeatMs: 5000,
                    encoding: .int8,
                    heldOut: [0, 1, 2, 3, 4, 5, 6, 7]
                )
            ),
            .refused(Refused(code: .nameMismatch, message: "the certificate says 'south'")),
            .roundStart(RoundStart(round: 3, manifest: try manifest(.adapter))),
            .batch(Batch(round: 3, step: 9, manifest: try manifest(.batch))),
            .pool(Pool(round: 3, step: 9, manifest: try manifest(.pool))),
            .stepSkipped(StepSkipped(round: 3, step: 9)),
            .accepted(Accepted(transfer: digest)),
            .rejected(Rejected(code: .late, message: "", transfer: digest)),
            .rejected(Rejected(code: .futureRound, message: "round 9", transfer: nil)),
            .finished(Finished(rounds: 3, adapter: digest)),
            .drain(Drain(reconnectAfterMs: 0)),
            .report(Report(status: Array("{}".utf8))),
            .continue(Continue(transfer: digest, fromChunk: 0)),
            .chunk(Chunk(transfer: digest, index: 0, bytes: [1])),
            .heartbeat,
        ]
    }

    static let batch = PublicBatch(
        round: 2,
        step: 5,
        items: [
            PublicItem(id: "q1", topic: "sums", payload: Array("1+1=".utf8)),
            PublicItem(id: "q2", topic: "", payload: []),
        ],
        responsesPerItem: 8
    )

    static let responses = [
        Response(itemID: "q1", index: 0, payload: [1, 0, 0, 0]),
        Response(itemID: "q1", index: 7, payload: []),
    ]

    static let pool = ResponsePool(
        round: 2,
        step: 5,
        groups: [
            PooledGroup(
                itemID: "q1",
                scores: [0, 1],
                replacements: [Replacement(index: 0, score: 1, payload: [9, 0, 0, 0])]
            ),
            PooledGroup(itemID: "q2", scores: [], replacements: [], target: [3, 1]),
        ],
        merged: [2, 7, 1]
    )
}

#if canImport(Glibc)
    import Glibc

    private func logarithm(_ value: Double) -> Double { log(value) }
    private func cosine(_ value: Double) -> Double { cos(value) }
#endif

/// The error that a closure throws, or nil.
func wireError(_ body: () throws -> Void) -> WireError? {
    do {
        try body()
        return nil
    } catch {
        return error as? WireError
    }
}

extension EncodedBlob {
    /// One chunk as its receiver reads it.
    func chunk(_ index: Int) throws -> Chunk { try Chunk(body: chunkFrame(index).body) }
}
