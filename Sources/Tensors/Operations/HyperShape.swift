internal import CKernels

/// The tensors and sizes of one HyperAttention, turned into the kernels' structures segment by segment.
struct HyperShape {
    let q: Tensor
    let keys: [Tensor]
    let values: [Tensor]
    let pattern: AttentionPattern
    let heads: Int
    var windows: [Int]?
    var scale: Float = 1
    var divides = false
    /// R.
    let size: Int
    /// Rv.
    let valueSize: Int

    init(
        q: Tensor,
        keys: [Tensor],
        values: [Tensor],
        pattern: AttentionPattern,
        heads: Int,
        _ operation: String
    ) {
        size = q.columns / heads
        valueSize = (values.first?.columns ?? 0) / heads
        let shape = [q.rows, heads * valueSize]
        precondition(
            (1...7).contains(keys.count) && values.count == keys.count && q.columns == heads * size
                && keys.allSatisfy { $0.rows == q.rows && $0.columns == q.columns }
                && values.allSatisfy { [$0.rows, $0.columns] == shape },
            "\(operation): q \(q.shape), keys \(keys.map(\.shape)), values \(values.map(\.shape)) "
                + "for \(heads) heads"
        )
        pattern.check(rows: q.rows, heads: heads, operation)
        self.q = q
        self.keys = keys
        self.values = values
        self.pattern = pattern
        self.heads = heads
    }

    /// The segments that have rows.
    var segments: [Int] { pattern.segments.indices.filter { !pattern.segments[$0].rows.isEmpty } }

    /// An input that a gradient flows into; nil if there is none.
    var differentiable: Tensor? {
        ([q] + keys + values + pattern.biases.compactMap { $0 }).first { $0.needsGradient }
    }

    /// Calls `body` with the structure of one segment, valid during the call.
    func withSegment<Result>(
        _ index: Int,
        _ body: (UnsafePointer<kernel_hyper_segment>) -> Result
    ) -> Result {
        let segment = pattern.segments[index]
        let (row, prefix) = (segment.rows.lowerBound, segment.prefix ?? 0..<0)
        let places = keys.indices.map { m in
            kernel_hyper_place(
                prefix_keys: keys[m].pointer + prefix.lowerBound * keys[m].columns,
                own_keys: keys[m].pointer + row * keys[m].columns,
                prefix_values: values[m].pointer + prefix.lowerBound * values[m].columns,
                own_values: values[m].pointer + row * values[m].columns,
                window: windows?[m] ?? 0
            )
        }
        return places.withUnsafeBufferPointer { places in
            pattern.mask(index).withAllowed { mask in
                var kernel = kernel_hyper_segment()
                (kernel.rows, kernel.prefix_rows) = (segment.rows.count, prefix.count)
                (kernel.heads, kernel.size, kernel.value_size) = (heads, size, valueSize)
                (kernel.places, kernel.place_count) = (places.baseAddress, places.count)
                kernel.causal = pattern.isCausal ? 1 : 0
                kernel.divides = divides ? 1 : 0
                kernel.scale = scale
                kernel.q = UnsafePointer(q.pointer + row * q.columns)
                kernel.mask = mask
                kernel.bias = pattern.bias(index).map { UnsafePointer($0.pointer) }
                return body(&kernel)
            }
        }
    }
}

/// Where the gradients of one HyperAttention go: nil for inputs that need none.
struct HyperGradients {
    private let shape: HyperShape
    private let dq: UnsafeMutablePointer<Float>?
    private let dkeys: [UnsafeMutablePointer<Float>?]
    private let dvalues: [UnsafeMutablePointer<Float>?]
    private let dbiases: [UnsafeMutablePointer<Float>?]

    init(_ shape: HyperShape, _ workspace: Workspace) {
        func gradient(_ tensor: Tensor) -> UnsafeMutablePointer<Float>? {
            tensor.needsGradient ? tensor.gradientForAdding(workspace) : nil
        }
        self.shape = shape
        dq = gradient(shape.q)
        dkeys = shape.keys.map(gradient)
        dvalues = shape.values.map(gradient)
        dbiases = shape.pattern.biases.map { $0.flatMap(gradient) }
    }

    /// Calls `body` with the structure of one segment, in which `out` and `lse` are left to set.
    func withSegment(
        _ index: Int,
        dy: UnsafePointer<Float>,
        _ body: (inout kernel_hyper_gradients) -> Void
    ) {
        let segment = shape.pattern.segments[index]
        let (row, prefix) = (segment.rows.lowerBound, segment.prefix?.lowerBound ?? 0)
        let (width, valueWidth) = (shape.q.columns, shape.heads * shape.valueSize)
        let places = shape.keys.indices.map { m in
            kernel_hyper_place_gradients(
                dprefix_keys: dkeys[m].map { $0 + prefix * width },
                down_keys: dkeys[m].map { $0 + row * width },
                dprefix_values: dvalues[m].map { $0 + prefix * valueWidth },
                down_values: dvalues[m].map { $0 + row * valueWidth }
            )
        }
        places.withUnsafeBufferPointer { places in
            var pointers = kernel_hyper_gradients()
            pointers.dout = dy + row * valueWidth
            pointers.dq = dq.map { $0 + row * width }
            pointers.places = places.baseAddress
            pointers.dbias = dbiases.isEmpty ? nil : dbiases[index]
            body(&pointers)
        }
    }
}
