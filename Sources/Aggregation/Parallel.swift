internal import Dispatch

/// Independent pieces of a merge on all cores. What comes out does not depend on how many there are.
enum Parallel {
    /// The results of a body for 0 ..< count, in order.
    static func map<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
        let slots = UnsafeMutableBufferPointer<Result?>.allocate(capacity: count)
        slots.initialize(repeating: nil)
        defer {
            slots.deinitialize()
            slots.deallocate()
        }
        nonisolated(unsafe) let shared = slots
        DispatchQueue.concurrentPerform(iterations: count) { shared[$0] = body($0) }
        return slots.compactMap { $0 }
    }
}
