internal import CKernels

/// Where the gradient of one tensor collects. Recorded operations hold this, and not the tensor, where their backward pass
/// does not read the tensor's values.
final class GradientSlot {
    let count: Int
    /// Whether the gradient is a parameter's, which stays.
    let isTrainable: Bool
    /// Whether an intermediate tensor's gradient stays too.
    var isKept = false
    /// Shared with another slot until one of them is added to.
    private var storage: Storage?

    init(count: Int, isTrainable: Bool) {
        self.count = count
        self.isTrainable = isTrainable
        guard isTrainable else { return }
        let zeros = Storage(count: count)
        zeros.pointer.update(repeating: 0, count: count)
        storage = zeros
    }

    /// The gradient so far, for reading; nil if nothing was added.
    var pointer: UnsafeMutablePointer<Float>? { storage?.pointer }

    /// The gradient to add to, zeroed if this is the first contribution.
    func forAdding(_ workspace: Workspace) -> UnsafeMutablePointer<Float> {
        let (pointer, beta) = forProduct(workspace)
        if beta == 0 { pointer.update(repeating: 0, count: count) }
        return pointer
    }

    /// The gradient to add a matrix product to with `C = A B + beta C`: beta is 0 for the first contribution, which saves
    /// the zeroing.
    func forProduct(_ workspace: Workspace) -> (pointer: UnsafeMutablePointer<Float>, beta: Float) {
        let isShared = storage != nil && !isKnownUniquelyReferenced(&storage)
        if let held = storage, !isShared { return (held.pointer, 1) }
        let own = workspace.take(count)
        if let held = storage { own.pointer.update(from: held.pointer, count: count) }
        storage = own
        return (own.pointer, isShared ? 1 : 0)
    }

    /// The gradient to add to, share by share; see ``GradientShares``.
    func forShares(_ workspace: Workspace) -> GradientShares {
        let (pointer, beta) = forProduct(workspace)
        return GradientShares(pointer: pointer, isFresh: beta == 0)
    }

    /// Adds the whole of another's gradient; as a first contribution without copying it.
    func add(_ other: GradientSlot, _ workspace: Workspace) {
        guard let more = other.storage else { return }
        if storage == nil {
            storage = more
        } else {
            let sum = forAdding(workspace)
            Compute.share(count) {
                kernel_add_scaled(more.pointer + $0.lowerBound, 1, sum + $0.lowerBound, $0.count)
            }
        }
    }

    /// Gives an intermediate tensor's gradient back.
    func recycle() {
        if !isTrainable && !isKept { storage = nil }
    }
}

/// A gradient that is added to by shares, each of which is zeroed as it is begun if this is the first contribution: its
/// thread then has it at hand.
struct GradientShares {
    fileprivate let pointer: UnsafeMutablePointer<Float>
    fileprivate let isFresh: Bool

    /// The first of `count` values from `first` on.
    func begin(_ first: Int, _ count: Int) -> UnsafeMutablePointer<Float> {
        if isFresh { (pointer + first).update(repeating: 0, count: count) }
        return pointer + first
    }
}
