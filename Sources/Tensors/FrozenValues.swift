/// Float32 numbers that never change, which threads and models share: in memory of their own, or in place in memory
/// that something else owns, such as a mapped file.
///
/// `@unchecked Sendable`: the numbers are written before `init` returns and only read afterwards; the owner is only
/// kept alive.
package final class FrozenValues: @unchecked Sendable {
    /// The first number; valid as long as this object.
    package let base: UnsafePointer<Float>
    /// How many there are.
    package let count: Int
    /// What owns the memory; nil where this object does.
    private let owner: AnyObject?

    /// Numbers in memory of their own.
    ///
    /// - Parameters:
    ///   - count: How many; at least one.
    ///   - fill: Writes every one of them.
    package init<Failure: Error>(
        count: Int,
        fill: (UnsafeMutablePointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count > 0, "FrozenValues: no values")
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
        do {
            try fill(memory)
        } catch {
            memory.deallocate()
            throw error
        }
        base = UnsafePointer(memory)
        self.count = count
        owner = nil
    }

    /// Numbers where they lie.
    ///
    /// - Parameters:
    ///   - base: The first, aligned to four bytes.
    ///   - count: How many; at least one.
    ///   - owner: What keeps the memory as it is as long as it lives.
    package init(inPlace base: UnsafePointer<Float>, count: Int, of owner: AnyObject) {
        precondition(count > 0, "FrozenValues: no values")
        self.base = base
        self.count = count
        self.owner = owner
    }

    /// A copy of an array.
    package convenience init(_ values: [Float]) {
        self.init(count: values.count) { memory in
            values.withUnsafeBufferPointer { source in
                if let first = source.baseAddress { memory.initialize(from: first, count: source.count) }
            }
        }
    }

    deinit {
        if owner == nil { UnsafeMutablePointer(mutating: base).deallocate() }
    }

    /// Whether no number is infinite or NaN.
    package var areFinite: Bool { Half.areFinite(base, count: count) }

    /// A copy.
    package func toArray() -> [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
}
