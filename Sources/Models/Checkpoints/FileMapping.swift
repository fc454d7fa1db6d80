internal import Glibc

/// A whole file in memory, read-only: what is not read takes no memory, and what is can be taken back by the system.
///
/// A mapping is the file itself. Who shortens the file under it kills this process at the next look at what is gone,
/// and who writes into it changes the weights; a file that is replaced by another of its name, as downloads and this
/// program's writers do, stays whole here. `ReadableFile.requireUnchanged` finds what was changed while a model was
/// loaded; headers, whose every byte is doubted, are read and not mapped.
///
/// `@unchecked Sendable`: where the memory is never changes, and nothing is written there.
final class FileMapping: @unchecked Sendable {
    /// The first byte.
    let base: UnsafeRawPointer
    /// How many bytes there are.
    let count: Int

    /// Maps the `count` bytes, at least one, of an open file.
    init(descriptor: CInt, count: Int, path: String) throws(CheckpointError) {
        guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
        else {
            throw .inaccessible(file: path, reason: "cannot be mapped: \(String(cString: strerror(errno)))")
        }
        base = UnsafeRawPointer(memory)
        self.count = count
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: base), count) }

    /// Gives back the memory of bytes that will not be read again soon; they stay readable.
    func release(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        guard first < end else { return }
        // Only memory is at stake: a refusal changes nothing.
        _ = madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
    }
}
