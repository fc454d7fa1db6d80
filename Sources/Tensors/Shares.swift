extension Compute {
    /// Cuts elementwise work into shares for all threads. Where the cuts are depends on the size alone, and not on the
    /// number of threads, so that results do not either.
    ///
    /// - Parameters:
    ///   - count: How many elements, or rows, there are.
    ///   - width: The values of each.
    ///   - body: Does a range of them, and touches nothing that another range writes.
    package static func share(_ count: Int, width: Int = 1, _ body: (Range<Int>) -> Void) {
        let size = max(1, shareSize / max(1, width))
        guard count > size else {
            if count > 0 { body(0..<count) }
            return
        }
        parallel((count + size - 1) / size) { part in
            body(part * size..<min((part + 1) * size, count))
        }
    }

    /// The values of a share: 64 KiB, some microseconds of work.
    private static let shareSize = 1 << 14
}
