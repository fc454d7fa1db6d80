import Testing

@testable import Wire

@Suite struct MessageTests {
    @Test("every message of a client comes back from its frame")
    func clientRoundTrip() throws {
        let messages = try Sample.clientMessages()
        #expect(Set(messages.map(\.type)) == Set(MessageType.allCases.filter { $0.mayCome(from: .client) }))
        for message in messages {
            let frame = try message.frame()
            #expect(frame.type == message.type)
            #expect(try ClientMessage(frame: frame) == message)
        }
    }

    @Test("every message of the coordinator comes back from its frame")
    func coordinatorRoundTrip() throws {
        let messages = try Sample.coordinatorMessages()
        #expect(
            Set(messages.map(\.type)) == Set(MessageType.allCases.filter { $0.mayCome(from: .coordinator) })
        )
        for message in messages {
            let frame = try message.frame()
            #expect(frame.type == message.type)
            #expect(try CoordinatorMessage(frame: frame) == message)
        }
    }

    @Test("a message of the other side is unexpected")
    func wrongSide() throws {
        for message in try Sample.clientMessages() where !message.type.mayCome(from: .coordinator) {
            let frame = try message.frame()
            #expect(throws: WireError.unexpectedMessage(type: frame.type, from: .coordinator)) {
                try CoordinatorMessage(frame: frame)
            }
        }
        for message in try Sample.coordinatorMessages() where !message.type.mayCome(from: .client) {
            let frame = try message.frame()
            #expect(throws: WireError.unexpectedMessage(type: frame.type, from: .client)) {
                try ClientMessage(frame: frame)
            }
        }
    }

    @Test("what the receiver would refuse is not encoded")
    func encodeChecks() throws {
        let bad = Hello(
            software: "s",
            federation: "f",
            client: "a b",
            trainer: "t",
            fingerprint: []
        )
        #expect(wireError { _ = try ClientMessage.hello(bad).frame() }?.code == .malformed)
        let nan = StepProgress(round: 0, step: 0, metrics: [Metric(name: "loss", value: .nan)])
        #expect(throws: WireError.notFinite(name: "loss", element: 0)) {
            try ClientMessage.progress(nan).frame()
        }
        let wrong = OfferResponses(round: 0, step: 0, manifest: try Sample.manifest(.update))
        #expect(wireError { _ = try ClientMessage.offerResponses(wrong).frame() }?.code == .badManifest)
        let negative = FetchBatch(round: -1, step: 0)
        #expect(wireError { _ = try ClientMessage.fetchBatch(negative).frame() }?.code == .malformed)
    }

    @Test("metrics are listed by name without those that are not finite")
    func metricList() {
        let metrics = Metric.list(["b": 1, "a": 2, "nan": .nan, "inf": .infinity])
        #expect(metrics == [Metric(name: "a", value: 2), Metric(name: "b", value: 1)])
    }

    @Test("an error's text has value, limit and name")
    func errorText() {
        let error = WireError.frameTooLarge(type: .chunk, bytes: 81_920, limit: 65_576)
        #expect("\(error)" == "body of 'chunk': 81920 B > limit 65576 B")
        #expect(
            "\(WireError.limitExceeded(limit: "metricsMax", value: 257, maximum: 256))"
                == "metricsMax: 257 > 256"
        )
    }

    @Test("the description of a capture names each frame, its fields and the error")
    func inspection() throws {
        let first = FrameEncoder.encode(try ClientMessage.fetchRound(FetchRound(after: -1)).frame())
        let second = FrameEncoder.encode(try ClientMessage.heartbeat.frame())

        let lines = FrameInspection.describe(first + second + [0x54])

        #expect(
            lines == [
                "frame at byte 0: fetchRound (type 2), body 2 B", "    after: -1",
                "frame at byte 22: heartbeat (type 67), body 0 B",
                "error 106 TRUNCATED: a frame header ends after 1 of 20 B",
            ]
        )
        let hello = try #require(try Sample.clientMessages().first)
        #expect(
            FrameInspection.lines(of: hello).suffix(4) == [
                "trainer: rlvr", "fingerprint base model: \(Sample.digest)", "fingerprint adapter.rank: 8",
                "fingerprint note: ",
            ]
        )
    }
}
