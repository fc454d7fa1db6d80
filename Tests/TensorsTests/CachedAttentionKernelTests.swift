import CKernels
import Randomness
import Testing

@Suite("Attention over cached rows agrees with its scalar twin") struct CachedAttentionKernelTests {
    struct Case: CustomTestStringConvertible {
        var prefix = 0
        /// How many rows each sequence of the group has of its own.
        var own = [1]
        var heads = 2
        var keyValueHeads = 1
        var headSize = 8
        var cap: Float = 0
        var window = 0
        var testDescription: String {
            "\(own) rows after \(prefix), heads \(heads)/\(keyValueHeads) of \(headSize), cap \(cap), "
                + "window \(window)"
        }
    }

    static let cases = [
        Case(), Case(prefix: 5), Case(own: [16]), Case(own: [17]), Case(prefix: 16, own: [1, 40, 16]),
        Case(prefix: 40, own: [50, 3, 33, 34, 1], heads: 9, keyValueHeads: 3, headSize: 64),
        Case(prefix: 17, own: [1, 2, 3], heads: 4, keyValueHeads: 4, headSize: 6),
        Case(prefix: 33, own: [40, 1, 16, 17, 8, 9, 20], heads: 4, headSize: 24, cap: 1.5, window: 20),
        Case(prefix: 9, own: [60, 2, 30], heads: 3, keyValueHeads: 3, headSize: 5, cap: 2, window: 7),
        Case(own: [70, 5], heads: 8, keyValueHeads: 2, headSize: 48, window: 3),
        Case(prefix: 100, own: [60, 10], heads: 5, headSize: 16, window: 50),
        Case(prefix: 10, own: [3, 2], heads: 4, keyValueHeads: 2, headSize: 1),
        Case(prefix: 100, own: [1], heads: 7, headSize: 80, window: 1),
    ]

    /// Sequences in pages of memory that starts with NaN in every place.
    private final class Pages {
        let bytes: Int
        private(set) var all: [UnsafeMutablePointer<UInt8>] = []
        init(bytes: Int) { self.bytes = bytes }
        deinit { for page in all { page.deallocate() } }

        func take(rows: Int) -> [UnsafeMutablePointer<UInt8>?] {
            (0..<(rows + KERNEL_PAGE_ROWS - 1) / KERNEL_PAGE_ROWS).map { _ in
                let page = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes)
                page.update(repeating: 0xFF, count: bytes)
                all.append(page)
                return page
            }
        }
    }

    @Test("outputs, whatever shares the pass", arguments: cases, [false, true])
    func agrees(_ c: Case, isHalf: Bool) {
        var layer = kernel_cache_layer(
            heads: c.heads,
            key_value_heads: c.keyValueHeads,
            head_size: c.headSize,
            scale: 0.4,
            cap: c.cap,
            window: c.window,
            is_half: isHalf ? 1 : 0,
            offset: 64
        )
        let pages = Pages(bytes: 64 + kernel_cache_bytes(&layer))
        let width = c.keyValueHeads * c.headSize
        func fill(_ rows: Int, _ name: String) -> [UnsafeMutablePointer<UInt8>?] {
            let (taken, twins) = (pages.take(rows: rows), pages.take(rows: rows))
            let (keys, values) = (random(rows * width, "k" + name), random(rows * width, "v" + name))
            // In two goes, as a prompt and new rows are.
            kernel_cache_store(&layer, keys, values, rows / 2, 0, taken)
            keys.withUnsafeBufferPointer { keys in
                values.withUnsafeBufferPointer { values in
                    guard let key = keys.baseAddress, let value = values.baseAddress else { return }
                    let start = rows / 2 * width
                    kernel_cache_store(&layer, key + start, value + start, rows - rows / 2, rows / 2, taken)
                }
            }
            kernel_cache_store_reference(&layer, keys, values, rows, 0, twins)
            for case (.some(let page), .some(let twin)) in zip(taken, twins) {
                #expect((0..<pages.bytes).allSatisfy { page[$0] == twin[$0] }, "stored pages")
            }
            return taken
        }
        let prefix = fill(c.prefix, "prefix")
        let tables = c.own.indices.map { fill(c.own[$0], "own\($0)") }
        // Queries of other groups stand before and behind.
        let rows = c.own.count + 2
        let q = random(rows * c.heads * c.headSize, "q", scale: 3)
        var out = q
        var (reference, alone) = (q, q)
        let pointers = tables.map { table in
            let copy = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>.allocate(capacity: table.count)
            copy.initialize(from: table, count: table.count)
            return copy
        }
        defer { for pointer in pointers { pointer.deallocate() } }
        let own = zip(c.own, pointers).map { kernel_cache_own(rows: $0, pages: $1) }
        prefix.withUnsafeBufferPointer { prefix in
            own.withUnsafeBufferPointer { own in
                func group(_ first: Int, _ count: Int) -> kernel_cache_group {
                    kernel_cache_group(
                        first: first + 1,
                        count: count,
                        prefix_rows: c.prefix,
                        prefix: prefix.baseAddress,
                        own: own.baseAddress.map { $0 + first }
                    )
                }
                var all = group(0, c.own.count)
                var scratch = [Float](repeating: .nan, count: kernel_cached_attention_scratch(&layer, &all))
                for head in 0..<c.keyValueHeads {
                    kernel_cached_attention(&layer, &all, head, q, &scratch, &out)
                    kernel_cached_attention_reference(&layer, &all, head, q, &reference)
                    for first in c.own.indices {
                        var one = group(first, 1)
                        kernel_cached_attention(&layer, &one, head, q, &scratch, &alone)
                    }
                }
            }
        }
        expectClose(out, reference, 2e-6)
        #expect(out == alone)
    }

    @Test("a value that is not finite in one sequence leaves the others of its group alone")
    func notFinite() {
        var layer = kernel_cache_layer(
            heads: 1,
            key_value_heads: 1,
            head_size: 4,
            scale: 1,
            cap: 0,
            window: 0,
            is_half: 0,
            offset: 0
        )
        let pages = Pages(bytes: kernel_cache_bytes(&layer))
        let (first, second) = (pages.take(rows: 1), pages.take(rows: 1))
        kernel_cache_store(&layer, [.nan, 0, 0, 0], [1, 1, 1, 1], 1, 0, first)
        kernel_cache_store(&layer, [1, 0, 0, 0], [1, 2, 3, 4], 1, 0, second)
        var out = [Float](repeating: 0, count: 8)
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                let own = [
                    kernel_cache_own(rows: 1, pages: first.baseAddress),
                    kernel_cache_own(rows: 1, pages: second.baseAddress),
                ]
                own.withUnsafeBufferPointer { own in
                    var group = kernel_cache_group(
                        first: 0,
                        count: 2,
                        prefix_rows: 0,
                        prefix: nil,
                        own: own.baseAddress
                    )
                    var scratch = [Float](
                        repeating: 0,
                        count: kernel_cached_attention_scratch(&layer, &group)
                    )
                    kernel_cached_attention(&layer, &group, 0, [1, 1, 1, 1, 1, 1, 1, 1], &scratch, &out)
                }
            }
        }
        #expect(out[..<4].allSatisfy { $0.isNaN })
        #expect(Array(out[4...]) == [1, 2, 3, 4])
    }
}
