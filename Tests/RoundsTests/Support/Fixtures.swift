import Contract
import Digest
import Rounds
import Wire

/// The digest that tests know by a short name.
func digest(_ name: String) -> SHA256Digest { SHA256Digest(of: Array(name.utf8)) }

/// A manifest of the least size for a kind.
func manifest(_ kind: BlobKind, _ digest: SHA256Digest, chunks: Int = 1) -> Manifest {
    let bytes = (chunks - 1) * Limits.chunkBytesMax + 4
    let isTensor = kind == .adapter || kind == .update
    let entry = ManifestEntry(
        name: isTensor ? "weight" : kind.rawValue,
        elementType: isTensor ? .f32 : .bytes,
        compression: .stored,
        shape: [isTensor ? bytes / 4 : bytes],
        rawBytes: bytes,
        encodedBytes: bytes
    )
    do {
        return try Manifest(kind: kind, entries: [entry], digest: digest)
    } catch {
        preconditionFailure("the test manifest is malformed: \(error)")
    }
}

extension RunPlan {
    /// A small run; one public step in a round of three.
    static func test(
        clients: [String] = ["alpha", "beta"],
        rounds: Int = 2,
        steps: Int = 3,
        localPerPublic: Int = 2,
        quorum: Int = 1,
        deadlines: PhaseDeadlines = PhaseDeadlines(startMs: 1_000, publicStepMs: 1_000, updateMs: 1_000),
        heartbeatMs: Tick = 100_000,
        idleMs: Tick = 1_000_000,
        lingerMs: Tick = 5_000
    ) -> RunPlan {
        RunPlan(
            federation: "test",
            seed: 7,
            clients: clients,
            trainer: "rlvr",
            settings: Array("{}".utf8),
            fingerprint: [
                FingerprintPart("base model", "smol"), FingerprintPart("adapter.rank", "8"),
                FingerprintPart("note", ""),
            ],
            encoding: .f32,
            rounds: rounds,
            steps: steps,
            localPerPublic: localPerPublic,
            quorum: quorum,
            deadlines: deadlines,
            heartbeatMs: heartbeatMs,
            idleMs: idleMs,
            lingerMs: lingerMs
        )
    }

    func hello(_ client: String) -> Hello {
        Hello(
            protocolVersion: 1,
            software: "tests",
            federation: federation,
            client: client,
            trainer: trainer,
            fingerprint: fingerprint
        )
    }

    func welcome(session: UInt64) -> Welcome {
        Welcome(
            session: session,
            seed: seed,
            trainer: trainer,
            settings: settings,
            rounds: rounds,
            steps: steps,
            localPerPublic: localPerPublic,
            heartbeatMs: Int(heartbeatMs),
            encoding: encoding
        )
    }

    func client(_ name: String, backOff: BackOff = BackOff(firstMs: 100, longestMs: 1_000, jitter: [0]))
        -> ClientPlan
    {
        ClientPlan(
            federation: federation,
            client: name,
            software: "tests",
            trainer: trainer,
            fingerprint: fingerprint.reversed(),
            rounds: rounds,
            greetingMs: 5_000,
            backOff: backOff
        )
    }
}
