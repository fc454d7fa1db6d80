import Contract
import Testing

@testable import Wire

/// Each limit at the limit, one over it, and absurdly over it; the vectors have what is not here.
@Suite struct LimitsTests {
    private func entry(_ name: String, shape: [Int] = [1], bytes: Int = 4) -> ManifestEntry {
        let encoded = bytes > 4 ? 9 : bytes
        return ManifestEntry(
            name: name,
            elementType: .f32,
            compression: bytes > 4 ? .zstd : .stored,
            shape: shape,
            rawBytes: bytes,
            encodedBytes: encoded
        )
    }

    private func code(_ entries: [ManifestEntry]) -> ErrorCode? {
        wireError { _ = try Manifest(kind: .update, entries: entries, digest: Sample.digest) }?.code
    }

    private func names(_ count: Int) -> [ManifestEntry] {
        (0..<count).map { entry("array.\(100_000 + $0)") }
    }

    @Test("a text of any length and content is sent as far as a message carries it")
    func fittingTexts() throws {
        for text in ["short", String(repeating: "é", count: 4_000), "two\nlines\u{0}", ""] {
            let sent = CoordinatorMessage.refused(Refused(code: .badResponse, message: text))
            guard case .refused(let read) = try CoordinatorMessage(frame: sent.frame()) else {
                Issue.record("not what was sent")
                return
            }
            #expect(read.message.utf8.count <= Limits.textBytesMax)
            #expect(text.utf8.count > 5 || read.message == text)
        }
    }

    @Test("figures that no message carries are left out")
    func figures() {
        var values = Dictionary(uniqueKeysWithValues: (0..<300).map { ("m\(1_000 + $0)", Double($0)) })
        values[String(repeating: "a", count: Limits.metricNameBytesMax + 1)] = 1
        values["a\nb"] = 1
        values[""] = 1

        let list = Metric.list(values)

        #expect(list.count == Limits.metricsMax && list.first?.name == "m1000")
    }

    @Test("entries of a manifest")
    func entries() {
        #expect(code(names(Limits.manifestEntriesMax)) == nil)
        #expect(code(names(Limits.manifestEntriesMax + 1)) == .limitExceeded)
        #expect(code(names(50_000)) == .limitExceeded)
    }

    @Test("the name, the dimensions and the bytes of an array")
    func arrays() {
        #expect(code([entry(String(repeating: "n", count: Limits.arrayNameBytesMax))]) == nil)
        #expect(code([entry(String(repeating: "n", count: Limits.arrayNameBytesMax + 1))]) == .limitExceeded)
        #expect(code([entry("w", shape: [1, 1, 1, 1])]) == nil)
        #expect(code([entry("w", shape: [1, 1, 1, 1, 1])]) == .limitExceeded)
        let most = Limits.dimensionMax
        #expect(code([entry("w", shape: [most], bytes: 4 * most)]) == nil)
        #expect(code([entry("w", shape: [most + 1], bytes: 4 * most + 4)]) == .limitExceeded)
        let raw = Limits.adapterRawBytesMax
        #expect(code([entry("w", shape: [8, most], bytes: raw)]) == nil)
        #expect(code([entry("v"), entry("w", shape: [8, most], bytes: raw)]) == .limitExceeded)
        #expect(code([entry("w", shape: [most, most, most, most], bytes: .max)]) == .limitExceeded)
    }

    @Test("a manifest that is allowed but does not fit its message is not sent")
    func offer() throws {
        let long = (0..<Limits.manifestEntriesMax).map { index in
            entry(String(repeating: "n", count: 200) + "\(100_000 + index)")
        }
        let manifest = try Manifest(kind: .adapter, entries: long, digest: Sample.digest)
        let error = wireError {
            _ = try CoordinatorMessage.roundStart(RoundStart(round: 0, manifest: manifest)).frame()
        }
        #expect(error?.code == .frameTooLarge)
    }

    @Test("metrics, texts and names of a message")
    func texts() {
        func code(_ message: ClientMessage) -> ErrorCode? { wireError { _ = try message.frame() }?.code }
        func progress(_ count: Int) -> ClientMessage {
            .progress(
                StepProgress(
                    round: 0,
                    step: 0,
                    metrics: (0..<count).map { Metric(name: "m\(1000 + $0)", value: 1) }
                )
            )
        }
        #expect(code(progress(Limits.metricsMax)) == nil)
        #expect(code(progress(Limits.metricsMax + 1)) == .limitExceeded)
        #expect(code(.bye(Bye(reason: String(repeating: "x", count: Limits.textBytesMax)))) == nil)
        #expect(
            code(.bye(Bye(reason: String(repeating: "x", count: Limits.textBytesMax + 1)))) == .limitExceeded
        )
        #expect(code(.bye(Bye(reason: String(repeating: "x", count: 1 << 20)))) == .frameTooLarge)
        #expect(code(.fetchRound(FetchRound(after: Limits.roundsMax + 1))) == .limitExceeded)
        #expect(code(.fetchBatch(FetchBatch(round: 0, step: Limits.stepsMax))) == nil)
        #expect(code(.fetchBatch(FetchBatch(round: 0, step: Limits.stepsMax + 1))) == .limitExceeded)
        #expect(code(.fetchBatch(FetchBatch(round: .max, step: 0))) == .limitExceeded)
    }

    @Test("the parts of a fingerprint, their names and their values")
    func fingerprint() {
        func code(_ parts: [FingerprintPart]) -> ErrorCode? {
            let hello = Hello(software: "s", federation: "f", client: "c", trainer: "t", fingerprint: parts)
            let sent = wireError { _ = try ClientMessage.hello(hello).frame() }?.code
            #expect(wireError { try Hello.check(parts) }?.code == sent)
            return sent
        }
        func text(_ count: Int) -> String { String(repeating: "x", count: count) }
        let most = Limits.fingerprintBytesMax
        let full = (0..<Limits.fingerprintPartsMax).map { index in
            FingerprintPart("\(100 + index)" + text(most - 3), text(most))
        }
        #expect(code(full) == nil)
        #expect(code(full + [FingerprintPart("one more", "")]) == .limitExceeded)
        #expect(code([FingerprintPart(text(most + 1), "")]) == .limitExceeded)
        #expect(code([FingerprintPart("a", text(most + 1))]) == .limitExceeded)
        #expect(code([FingerprintPart("", "1")]) == .malformed)
        #expect(code([FingerprintPart("a\u{7F}", "1")]) == .malformed)
        #expect(code([FingerprintPart("a", "1\n")]) == .malformed)
        #expect(code([FingerprintPart("b", "1"), FingerprintPart("a", "1")]) == nil)
        #expect(code([FingerprintPart("b", "1"), FingerprintPart("b", "1")]) == .duplicateName)
    }

    @Test("the payloads of a public step")
    func payloads() {
        func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }
        func item(_ count: Int) -> WireError? {
            let items = [PublicItem(id: "q", topic: "", payload: bytes(count))]
            let batch = PublicBatch(round: 0, step: 0, items: items, responsesPerItem: 1)
            return wireError { _ = try BlobEncoder.encode(batch) }
        }
        func pool(target: Int, merged: Int) -> WireError? {
            let group = PooledGroup(itemID: "q", scores: [], target: bytes(target))
            let pool = ResponsePool(round: 0, step: 0, groups: [group], merged: bytes(merged))
            return wireError {
                let back = try BlobDecoder.pool(from: BlobEncoder.encode(pool))
                #expect(back == pool)
            }
        }
        let itemMost = Limits.itemBytesMax
        let most = Limits.responseBytesMax
        let mergedMost = Limits.mergedBytesMax
        #expect(item(itemMost) == nil)
        #expect(
            item(itemMost + 1)
                == .limitExceeded(limit: "itemBytesMax", value: itemMost + 1, maximum: itemMost)
        )
        #expect(pool(target: most, merged: mergedMost) == nil)
        #expect(
            pool(target: most + 1, merged: 0)
                == .limitExceeded(limit: "responseBytesMax", value: most + 1, maximum: most)
        )
        #expect(
            pool(target: 0, merged: mergedMost + 1)
                == .limitExceeded(limit: "mergedBytesMax", value: mergedMost + 1, maximum: mergedMost)
        )
    }

    @Test("settings and numbers of a welcome")
    func welcome() {
        func code(settings: Int = 2, rounds: Int = 1, heartbeatMs: Int = 1, heldOut: Int = 0) -> ErrorCode? {
            let welcome = Welcome(
                session: 1,
                seed: 1,
                trainer: "t",
                settings: [UInt8](repeating: 32, count: settings),
                rounds: rounds,
                steps: 1,
                localPerPublic: 0,
                heartbeatMs: heartbeatMs,
                encoding: .f32,
                heldOut: [UInt8](repeating: 7, count: heldOut)
            )
            return wireError { _ = try CoordinatorMessage.welcome(welcome).frame() }?.code
        }
        #expect(code(settings: Limits.settingsBytesMax) == nil)
        #expect(code(settings: Limits.settingsBytesMax + 1) == .limitExceeded)
        #expect(code(settings: Limits.settingsBytesMax, heldOut: Limits.heldOutBytesMax) == nil)
        #expect(code(heldOut: Limits.heldOutBytesMax + 8) == .limitExceeded)
        #expect(code(heldOut: 12) == .malformed)
        #expect(code(rounds: Limits.roundsMax) == nil)
        #expect(code(rounds: Limits.roundsMax + 1) == .limitExceeded)
        #expect(code(rounds: 0) == .malformed)
        #expect(code(heartbeatMs: Limits.intervalMsMax) == nil)
        #expect(code(heartbeatMs: Limits.intervalMsMax + 1) == .limitExceeded)
    }
}
