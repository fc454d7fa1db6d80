internal import CKernels
internal import Glibc

/// How keys and values are kept while samples are drawn.
package enum CachePrecision: Sendable {
    /// float32: what is drawn has the log-probabilities of the training path to rounding.
    case single
    /// IEEE binary16: half the memory, and half of what a step reads. Eight times as exact as bfloat16, and range is
    /// not a worry: keys and values are of the order of 1 to 100, and beyond 65504 they are held there.
    case half
}

/// The memory of all layers' caches: pages, each of which holds sixteen rows of one sequence for every layer. Pages
/// of sequences that have ended serve others.
package final class CachePages {
    package let precision: CachePrecision
    /// Of one page.
    private var bytes = 0
    private var free: [UnsafeMutablePointer<UInt8>] = []
    private var slabs: [UnsafeMutableRawPointer] = []

    /// How many bytes pages are made in at once, where several fit: whole huge pages of the system, since a layer's
    /// part of a page is small and those of one sequence lie far apart.
    private static let slabBytes = 8 << 20

    /// Empty memory.
    package init(_ precision: CachePrecision) { self.precision = precision }

    deinit { for slab in slabs { slab.deallocate() } }

    /// Makes room for a layer in every page; all layers do before the first row comes.
    ///
    /// - Parameters:
    ///   - heads: H.
    ///   - keyValueHeads: Hkv, a divisor of H.
    ///   - headSize: D.
    ///   - rule: What is done with its scores.
    package func addLayer(
        heads: Int,
        keyValueHeads: Int,
        headSize: Int,
        rule: ScoreRule = ScoreRule()
    ) -> CacheLayer {
        rule.check("CachePages")
        precondition(slabs.isEmpty, "CachePages: a layer after the first row")
        precondition(
            headSize > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0,
            "CachePages: \(heads) heads, \(keyValueHeads) key-value heads of \(headSize)"
        )
        var kernel = kernel_cache_layer(
            heads: heads,
            key_value_heads: keyValueHeads,
            head_size: headSize,
            scale: rule.scale ?? ScoreFactor.scale(size: headSize),
            cap: rule.cap ?? 0,
            window: rule.window ?? 0,
            is_half: precision == .half ? 1 : 0,
            offset: bytes
        )
        bytes += kernel_cache_bytes(&kernel)
        return CacheLayer(kernel: kernel)
    }

    fileprivate func take() -> UnsafeMutablePointer<UInt8> {
        if let page = free.popLast() { return page }
        let size = max(64, bytes)
        let count = max(1, CachePages.slabBytes / size)
        let slab = UnsafeMutableRawPointer.allocate(byteCount: count * size, alignment: 2 << 20)
        // Only advice: without huge pages the same is a little slower.
        _ = madvise(slab, count * size, MADV_HUGEPAGE)
        slabs.append(slab)
        let pages = slab.bindMemory(to: UInt8.self, capacity: count * size)
        free = (1..<count).reversed().map { pages + $0 * size }
        return pages
    }

    fileprivate func give(_ page: UnsafeMutablePointer<UInt8>) { free.append(page) }
}

/// One layer's part of the pages.
package struct CacheLayer {
    var kernel: kernel_cache_layer
    var queryColumns: Int { kernel.heads * kernel.head_size }
    var keyColumns: Int { kernel.key_value_heads * kernel.head_size }
}

/// A sequence's rows in all layers. Its pages go back to the memory with it.
package final class CachedRows {
    /// How many rows there are, or are about to be stored.
    package private(set) var count = 0
    let pages: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
    private let memory: CachePages
    private let pagesMax: Int

    /// An empty sequence.
    ///
    /// - Parameters:
    ///   - memory: Where its pages come from.
    ///   - rowsMax: The most rows that it can have.
    package init(_ memory: CachePages, rowsMax: Int) {
        self.memory = memory
        pagesMax = CachedRows.pages(rowsMax)
        pages = .allocate(capacity: max(1, pagesMax))
    }

    deinit {
        for index in 0..<CachedRows.pages(count) { if let page = pages[index] { memory.give(page) } }
        pages.deallocate()
    }

    /// Makes room for new rows, which every layer is then to store.
    package func grow(by rows: Int) {
        let (old, new) = (CachedRows.pages(count), CachedRows.pages(count + rows))
        precondition(new <= pagesMax, "CachedRows: \(count + rows) rows in \(pagesMax) pages")
        for index in old..<new { pages[index] = memory.take() }
        count += rows
    }

    private static func pages(_ rows: Int) -> Int { (rows + KERNEL_PAGE_ROWS - 1) / KERNEL_PAGE_ROWS }
}

/// What the rows of one step look back to: for each the rows of a beginning, which neighbours may share, then rows of
/// its own, of which the last is the new one.
package final class CachedStep {
    /// How many new rows there are.
    package let count: Int
    let groups: UnsafeMutableBufferPointer<kernel_cache_group>
    let own: UnsafeMutableBufferPointer<kernel_cache_own>
    private let sequences: [(beginning: CachedRows?, own: CachedRows)]

    /// How many sequences of one beginning go together: enough to read its keys once for many, and not so many that
    /// threads have nothing to share.
    private static let groupMax = 8

    /// A step over some sequences.
    package init(_ sequences: [(beginning: CachedRows?, own: CachedRows)]) {
        self.sequences = sequences
        count = sequences.count
        own = .allocate(capacity: count)
        groups = .allocate(capacity: count)
        var filled = 0
        for (row, sequence) in sequences.enumerated() {
            precondition(sequence.own.count > 0, "CachedStep: sequence \(row) has no new row")
            own.initializeElement(
                at: row,
                to: kernel_cache_own(rows: sequence.own.count, pages: sequence.own.pages)
            )
            if row > 0, sequences[row - 1].beginning === sequence.beginning, sequence.beginning != nil,
                groups[filled - 1].count < CachedStep.groupMax
            {
                groups[filled - 1].count += 1
                continue
            }
            groups.initializeElement(
                at: filled,
                to: kernel_cache_group(
                    first: row,
                    count: 1,
                    prefix_rows: sequence.beginning?.count ?? 0,
                    prefix: sequence.beginning?.pages,
                    own: own.baseAddress.map { $0 + row }
                )
            )
            filled += 1
        }
        groupCount = filled
    }

    /// How many of `groups` are in use.
    let groupCount: Int

    deinit {
        own.deallocate()
        groups.deallocate()
    }
}

extension Tape {
    /// Softmax attention of one new row of each sequence over cached rows, for generation; the new keys and values are
    /// stored first. A row's result has the same bits whatever other rows there are. No gradient flows through it.
    ///
    /// - Parameters:
    ///   - q: `[N, H·D]`.
    ///   - k: `[N, Hkv·D]`.
    ///   - v: `[N, Hkv·D]`.
    ///   - layer: Where the layer's keys and values are.
    ///   - step: N sequences, grown by the new row.
    /// - Returns: `[N, H·D]`.
    package func cachedAttention(q: Tensor, k: Tensor, v: Tensor, layer: CacheLayer, step: CachedStep)
        -> Tensor
    {
        precondition(
            q.shape == [step.count, layer.queryColumns] && k.shape == [step.count, layer.keyColumns]
                && v.shape == k.shape,
            "cachedAttention: q \(q.shape), k \(k.shape), v \(v.shape) for \(step.count) rows, "
                + "\(layer.kernel.heads) heads, \(layer.kernel.key_value_heads) key-value heads"
        )
        let y = Tensor(shape: q.shape, storage: workspace.take(q.count))
        let (heads, width) = (layer.kernel.key_value_heads, layer.keyColumns)
        for (row, own) in step.own.enumerated() {
            layer.store(
                k.pointer + row * width,
                v.pointer + row * width,
                rows: 1,
                at: own.rows - 1,
                own.pages
            )
        }
        var kernel = layer.kernel
        let room = (0..<step.groupCount).map { kernel_cached_attention_scratch(&kernel, &step.groups[$0]) }
        let starts = room.reduce(into: [0]) { $0.append($0[$0.count - 1] + heads * $1) }
        let scratch = workspace.take(starts[room.count])
        let (from, to, space, groups) = (q.pointer, y.pointer, scratch.pointer, step.groups)
        Compute.parallel(step.groupCount * heads) { part in
            let (group, head) = (part / heads, part % heads)
            var kernel = layer.kernel
            let own = space + starts[group] + head * room[group]
            kernel_cached_attention(&kernel, &groups[group], head, from, own, to)
        }
        return y
    }
}

extension CacheLayer {
    /// Stores keys and values of a beginning, as ``Tape/cachedAttention(q:k:v:layer:step:)`` does those of new rows.
    ///
    /// - Parameters:
    ///   - keys: `[N, Hkv·D]`.
    ///   - values: Likewise.
    ///   - rows: Which of the N rows are those of the sequence, all of it.
    ///   - sequence: Grown to as many rows.
    package func store(keys: Tensor, values: Tensor, rows: Range<Int>, in sequence: CachedRows) {
        precondition(
            keys.columns == keyColumns && values.shape == keys.shape && rows.upperBound <= keys.rows
                && sequence.count == rows.count,
            "CacheLayer: rows \(rows) of keys \(keys.shape) and values \(values.shape) in \(sequence.count) rows"
        )
        let start = rows.lowerBound * keyColumns
        store(keys.pointer + start, values.pointer + start, rows: rows.count, at: 0, sequence.pages)
    }

    fileprivate func store(
        _ keys: UnsafePointer<Float>,
        _ values: UnsafePointer<Float>,
        rows: Int,
        at first: Int,
        _ pages: UnsafePointer<UnsafeMutablePointer<UInt8>?>
    ) {
        withUnsafePointer(to: kernel) { kernel_cache_store($0, keys, values, rows, first, pages) }
    }
}
