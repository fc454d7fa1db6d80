import Testing
import Wire

@testable import Transport

@Suite("Frame queue")
struct FrameQueueTests {
    private func frame(_ bytes: Int) -> Frame {
        Frame(type: .chunk, body: [UInt8](repeating: 7, count: bytes))
    }

    @Test("frames come out in order and then the end")
    func order() async throws {
        let queue = FrameQueue(high: 1 << 20, low: 0)

        for size in [3, 1, 2] { #expect(queue.offer([frame(size)])) }
        queue.finish(.success(()))

        #expect(try await queue.next(atMost: 1)?.first?.body.count == 3)
        #expect(try await queue.next(atMost: 1)?.first?.body.count == 1)
        #expect(try await queue.next(atMost: 1)?.first?.body.count == 2)
        #expect(try await queue.next(atMost: 1) == nil)
        #expect(try await queue.next(atMost: 1) == nil)
    }

    @Test("what waits comes all at once where that is asked for, also to a consumer that waits")
    func batches() async throws {
        let queue = FrameQueue(high: 1 << 20, low: 0)
        _ = queue.offer([frame(3), frame(1), frame(2)])

        #expect(try await queue.next(atMost: 2)?.map(\.body.count) == [3, 1])
        #expect(try await queue.next(atMost: .max)?.map(\.body.count) == [2])
        #expect(queue.bytesWaiting == 0)
        let waiting = Task { try await queue.next(atMost: 2) }
        await Task.yield()
        _ = queue.offer([frame(5), frame(6), frame(7)])
        queue.finish(.success(()))
        #expect(try await waiting.value?.map(\.body.count) == [5, 6])
        #expect(try await queue.next(atMost: .max)?.map(\.body.count) == [7])
        #expect(try await queue.next(atMost: .max) == nil)
    }

    @Test("a full queue says so and calls back at the low mark")
    func watermarks() async throws {
        let queue = FrameQueue(high: 1000, low: 300)
        let drained = Completion<Void>()

        #expect(queue.offer([frame(400)]))
        #expect(!queue.offer([frame(400)]))
        queue.whenDrained { drained.finish(.success(())) }
        _ = try await queue.next(atMost: 1)
        #expect(queue.bytesWaiting == 400 + FrameQueue.bytesPerFrame)
        #expect(!queue.offer([frame(0)]), "above the low mark the producer still waits")
        _ = try await queue.next(atMost: 1)
        _ = try await queue.next(atMost: 1)

        try await drained.value()
        #expect(queue.bytesWaiting == 0)
        #expect(queue.offer([frame(1)]))
    }

    @Test("empty frames count too, so that they cannot pile up")
    func emptyFrames() {
        let queue = FrameQueue(high: 1280, low: 0)

        let accepted = (0..<100).prefix { _ in queue.offer([frame(0)]) }.count

        #expect(accepted == 9)
    }

    @Test("an error comes after the frames before it, and the first end counts")
    func failure() async throws {
        let queue = FrameQueue(high: 1000, low: 0)

        _ = queue.offer([frame(1)])
        queue.finish(.failure(TransportError(.reset, "", fix: "")))
        queue.finish(.success(()))
        _ = queue.offer([frame(2)])

        #expect(try await queue.next(atMost: 1) != nil)
        await #expect(throws: TransportError(.reset, "", fix: "")) { try await queue.next(atMost: 1) }
    }

    @Test("a waiting consumer is set free by cancellation, and the queue lives on")
    func cancellation() async throws {
        let queue = FrameQueue(high: 1000, low: 0)

        let task = Task { try await queue.next(atMost: 1) }
        task.cancel()

        await #expect(throws: CancellationError.self) { try await task.value }
        _ = queue.offer([frame(5)])
        #expect(try await queue.next(atMost: 1)?.first?.body.count == 5)
    }

    @Test("ten thousand frames through a small queue all arrive")
    func throughput() async throws {
        let queue = FrameQueue(high: 4096, low: 1024)

        let producer = Task {
            for index in 0..<10_000 {
                guard !queue.offer([frame(index % 50)]) else { continue }
                let drained = Completion<Void>()
                queue.whenDrained { drained.finish(.success(())) }
                try await drained.value()
            }
            queue.finish(.success(()))
        }
        var sizes: [Int] = []
        while let frames = try await queue.next(atMost: 7) { sizes += frames.map(\.body.count) }
        try await producer.value

        #expect(sizes == (0..<10_000).map { $0 % 50 })
    }

    @Test("a completion keeps its first result and obeys cancellation")
    func completion() async throws {
        let first = Completion<Int>()
        #expect(first.finish(.success(1)))
        #expect(!first.finish(.success(2)))
        #expect(try await first.value() == 1)

        let never = Completion<Int>()
        let task = Task { try await never.value() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!never.finish(.success(3)), "who makes the value must know that nobody takes it")
    }
}
