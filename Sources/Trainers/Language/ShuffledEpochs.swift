internal import Randomness

/// A walk over a set in shuffled epochs: every element once, then every element once in another order.
///
/// The order of an epoch is a function of (seed, path, epoch), so a position is all there is to
/// remember of a walk.
struct ShuffledEpochs {
    private let count: Int
    private let seed: UInt64
    private let path: String
    private var cached: (epoch: Int, order: [Int])?

    /// Walks over 0 ..< count; the set must not be empty.
    init(count: Int, seed: UInt64, path: String) {
        precondition(count > 0, "a walk over an empty set")
        self.count = count
        self.seed = seed
        self.path = path
    }

    /// The elements at positions `start ..< start + length` of the endless walk. A batch may cross
    /// into the next epoch, and may then hold an element twice.
    mutating func elements(from start: Int, length: Int) -> [Int] {
        (start..<start + length).map { order(of: $0 / count)[$0 % count] }
    }

    /// The batch of an ordinal where every epoch is cut into whole batches and its rest left out, so
    /// that no batch holds an element twice; `length` must not exceed the set.
    mutating func wholeBatch(_ ordinal: Int, length: Int) -> [Int] {
        precondition(length <= count, "a batch of \(length) different elements of \(count)")
        let perEpoch = count / length
        let first = ordinal % perEpoch * length
        return Array(order(of: ordinal / perEpoch)[first..<first + length])
    }

    private mutating func order(of epoch: Int) -> [Int] {
        if let cached, cached.epoch == epoch { return cached.order }
        var order = Array(0..<count)
        var stream = RandomStream(seed: seed, path, "epoch", epoch)
        stream.shuffle(&order)
        cached = (epoch, order)
        return order
    }
}
