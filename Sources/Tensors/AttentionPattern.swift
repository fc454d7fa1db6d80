/// Which keys the rows of one segment may look at, on top of what causality leaves them.
package struct AttentionMask: Sendable {
    /// How many query rows there are: the segment's own.
    package let rows: Int
    /// How many keys there are: the rows of the prefix, then the segment's own.
    package let columns: Int
    /// `[rows, columns]`, row after row; 0 leaves the key out.
    package let allowed: [UInt8]

    /// A mask of given values.
    package init(rows: Int, columns: Int, allowed: [UInt8]) {
        precondition(
            allowed.count == rows * columns,
            "AttentionMask: \(allowed.count) values for \(rows) × \(columns)"
        )
        self.rows = rows
        self.columns = columns
        self.allowed = allowed
    }
}

/// Which rows of a packed batch attend to which, what is left out, and what is added to the scores.
package struct AttentionPattern {
    /// Disjoint rows, each with the rows that all of it may look back to; a row in no segment gives zeros.
    package let segments: [AttentionSegment]
    /// True: row i sees the prefix and the segment's own rows up to i. False: the prefix and all own rows.
    package let isCausal: Bool
    /// Empty, or for each segment `[rows, prefix + rows]` or nil.
    package let masks: [AttentionMask?]
    /// Empty, or for each segment `[H, rows, prefix + rows]` or nil: added to the scores, and differentiable.
    /// One tensor may serve many segments.
    package let biases: [Tensor?]

    /// A pattern.
    package init(
        segments: [AttentionSegment],
        isCausal: Bool = true,
        masks: [AttentionMask?] = [],
        biases: [Tensor?] = []
    ) {
        precondition(
            [0, segments.count].contains(masks.count) && [0, segments.count].contains(biases.count),
            "AttentionPattern: \(masks.count) masks, \(biases.count) biases for \(segments.count) segments"
        )
        for (segment, mask) in zip(segments, masks) {
            guard let mask else { continue }
            precondition(
                mask.rows == segment.rows.count && mask.columns == segment.columns,
                "AttentionPattern: a mask of \(mask.rows) × \(mask.columns) for \(segment)"
            )
        }
        for (segment, bias) in zip(segments, biases) {
            guard let bias else { continue }
            precondition(
                bias.shape.count == 3 && bias.shape[1] == segment.rows.count
                    && bias.shape[2] == segment.columns,
                "AttentionPattern: a bias of shape \(bias.shape) for \(segment)"
            )
        }
        self.segments = segments
        self.isCausal = isCausal
        self.masks = masks.contains { $0 != nil } ? masks : []
        self.biases = biases.contains { $0 != nil } ? biases : []
    }
}

// MARK: - For the operations

extension AttentionSegment {
    /// How many keys the segment has: the rows of its prefix, then its own.
    var columns: Int { (prefix?.count ?? 0) + rows.count }
}

extension AttentionPattern {
    /// Whether every row sees all that causality leaves it, with nothing added.
    var isPlain: Bool { isCausal && masks.isEmpty && biases.isEmpty }

    /// Checks that the segments lie within N rows, and that the biases are for H heads.
    func check(rows: Int, heads: Int, _ operation: String) {
        for segment in segments {
            let prefix = segment.prefix ?? 0..<0
            precondition(
                segment.rows.lowerBound >= 0 && segment.rows.upperBound <= rows && prefix.lowerBound >= 0
                    && prefix.upperBound <= rows,
                "\(operation): segment rows \(segment.rows), prefix \(prefix) of \(rows) rows"
            )
        }
        for case .some(let bias) in biases {
            precondition(
                bias.shape[0] == heads,
                "\(operation): a bias of shape \(bias.shape) for \(heads) heads"
            )
        }
    }

    /// Whether some of N rows are in no segment.
    func leavesOut(of rows: Int) -> Bool { segments.reduce(0) { $0 + $1.rows.count } < rows }

    func mask(_ segment: Int) -> AttentionMask? { masks.isEmpty ? nil : masks[segment] }
    func bias(_ segment: Int) -> Tensor? { biases.isEmpty ? nil : biases[segment] }
}

extension Optional where Wrapped == AttentionMask {
    /// Calls `body` with the mask's values, or nil; the pointer is valid during the call.
    func withAllowed<Result>(_ body: (UnsafePointer<UInt8>?) -> Result) -> Result {
        guard let self else { return body(nil) }
        return self.allowed.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
