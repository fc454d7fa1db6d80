/// A pool of float buffers, so that a training step after the first allocates nothing large.
///
/// Every tensor that a ``Tape`` makes takes its buffer here and gives it back when the last reference to it
/// goes. Buffers come in size classes a quarter of an octave apart; a request takes a free buffer of its own
/// class or of one up to twice as large. One thread only, like the tensors.
package final class Workspace {
    private var free: [[UnsafeMutablePointer<Float>]] = []

    /// Bytes held, both in use and free. It stops growing once a step has been seen.
    package private(set) var bytesReserved = 0

    /// An empty pool.
    package init() {}

    deinit { release() }

    /// Gives the free buffers back to the system, e.g. after an unusually long batch.
    package func trim() { release() }

    /// A buffer of at least `count` floats; its contents are undefined.
    func take(_ count: Int) -> Storage {
        let wanted = SizeClass(holding: count)
        let last = min(wanted.index + 4, free.count - 1)
        if wanted.index <= last {
            for index in wanted.index...last {
                if let pointer = free[index].popLast() {
                    return Storage(pointer: pointer, sizeClass: SizeClass(index: index), workspace: self)
                }
            }
        }
        bytesReserved += wanted.bytes
        return Storage(pointer: Storage.allocate(bytes: wanted.bytes), sizeClass: wanted, workspace: self)
    }

    fileprivate func give(_ pointer: UnsafeMutablePointer<Float>, _ sizeClass: SizeClass) {
        while free.count <= sizeClass.index { free.append([]) }
        free[sizeClass.index].append(pointer)
    }

    private func release() {
        for (index, pointers) in free.enumerated() {
            for pointer in pointers {
                pointer.deallocate()
                bytesReserved -= SizeClass(index: index).bytes
            }
        }
        free = []
    }
}

/// One buffer of floats, owned by the tensors that refer to it.
final class Storage {
    let pointer: UnsafeMutablePointer<Float>
    private let sizeClass: SizeClass
    private let workspace: Workspace?

    fileprivate init(pointer: UnsafeMutablePointer<Float>, sizeClass: SizeClass, workspace: Workspace?) {
        self.pointer = pointer
        self.sizeClass = sizeClass
        self.workspace = workspace
    }

    /// A buffer outside of any pool, for parameters and other tensors that live long.
    convenience init(count: Int) {
        let sizeClass = SizeClass(holding: count)
        self.init(pointer: Storage.allocate(bytes: count * 4), sizeClass: sizeClass, workspace: nil)
    }

    deinit {
        if let workspace {
            workspace.give(pointer, sizeClass)
        } else {
            pointer.deallocate()
        }
    }

    fileprivate static func allocate(bytes: Int) -> UnsafeMutablePointer<Float> {
        // 64 bytes: a cache line, and the widest vector register.
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 64), alignment: 64)
        return raw.bindMemory(to: Float.self, capacity: max(bytes, 64) / 4)
    }
}

/// Sizes 256 · 2^(i/4) floats, rounded to whole steps: 256, 320, 384, 448, 512, 640, …
struct SizeClass {
    let index: Int

    init(index: Int) { self.index = index }

    init(holding count: Int) {
        var index = 0
        while SizeClass(index: index).count < count { index += 1 }
        self.index = index
    }

    var count: Int { (4 + index % 4) << (6 + index / 4) }
    var bytes: Int { count * 4 }
}

extension Workspace {
    /// A tensor from the pool with undefined values, to be filled by the caller.
    package func tensor(_ shape: [Int]) -> Tensor {
        Tensor(shape: shape, storage: take(shape.reduce(1, *)))
    }
}
