internal import Glibc

/// Memory for the frozen weights of a model, in large pages: a processor reads weights that are not in its caches
/// half again as fast from those. It lives as long as any weight in it.
///
/// Weights are put into it by one thread.
package final class WeightMemory {
    private var mappings: [(base: UnsafeMutableRawPointer, count: Int)] = []
    private var next: UnsafeMutableRawPointer?
    private var left = 0

    /// The size of a large page, and what is asked of the system at once; what is never written takes no memory.
    private static let (pageBytes, mappingBytes) = (2 << 20, 64 << 20)

    /// No memory yet.
    package init() {}

    deinit { for mapping in mappings { munmap(mapping.base, mapping.count) } }

    /// Takes some memory, aligned to 64 bytes. Its contents are zero.
    package func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let count = (byteCount + 63) / 64 * 64
        if count > Self.mappingBytes / 2 { return map(count) }
        if count > left { (next, left) = (map(Self.mappingBytes), Self.mappingBytes) }
        guard let taken = next else { preconditionFailure("WeightMemory: nothing is mapped") }
        next = taken + count
        left -= count
        return taken
    }

    private func map(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let count = (byteCount + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes + Self.pageBytes
        let found = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base = found, base != MAP_FAILED else {
            preconditionFailure("WeightMemory: the system has no \(byteCount) bytes")
        }
        mappings.append((base, count))
        let first = base.alignedUp(toMultipleOf: Self.pageBytes)
        // Only speed is at stake: a refusal changes nothing.
        _ = madvise(first, count - Self.pageBytes, MADV_HUGEPAGE)
        return first
    }
}
