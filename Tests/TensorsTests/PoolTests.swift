import CKernels
import Foundation
import Synchronization
import Testing

@testable import Tensors

@Suite("The threads that share loops and products", .serialized)
struct PoolTests {
    /// How often each part of a loop was done.
    private func counts(_ parts: Int) -> [Int] {
        let counts = Mutex([Int](repeating: 0, count: parts))
        Compute.parallel(parts) { part in counts.withLock { $0[part] += 1 } }
        return counts.withLock { $0 }
    }

    private func with<Result>(threads: Int, _ body: () throws -> Result) rethrows -> Result {
        let before = Compute.threads
        Compute.configure(threads: threads)
        defer { Compute.configure(threads: before) }
        return try body()
    }

    @Test("every part of a loop is done once", arguments: [1, 2, 5])
    func once(threads: Int) {
        with(threads: threads) {
            for parts in 0..<200 {
                #expect(counts(parts) == [Int](repeating: 1, count: parts))
            }
        }
    }

    @Test("loops in parts and loops of several threads at once are done whole")
    func nested() {
        with(threads: 3) {
            let inner = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                for _ in 0..<200 {
                    Compute.parallel(7) { _ in
                        Compute.parallel(5) { _ in inner.add(1, ordering: .relaxed) }
                    }
                }
            }
            #expect(inner.load(ordering: .relaxed) == 4 * 200 * 7 * 5)
        }
    }

    @Test("pieces come back in their order")
    func order() {
        with(threads: 3) {
            #expect(Compute.sideBySide(50, threads: 3) { $0 * $0 } == (0..<50).map { $0 * $0 })
        }
    }

    @Test(
        "a product has the same bits whatever the number of threads",
        arguments: [(300, 130, 97), (40, 700, 64), (700, 24, 130), (5, 3, 2)]
    )
    func threads(m: Int, n: Int, k: Int) {
        let (a, b) = (random(m * k, "a"), random(k * n, "b"))
        func products() -> [[Float]] {
            var results = [[Float]](repeating: random(m * n, "c"), count: 3)
            Products.abT(a, b, &results[0], m: m, n: n, k: k, alpha: 0.5, beta: 1)
            Products.ab(a, b, &results[1], m: m, n: n, k: k)
            Products.aTb(a, b, &results[2], m: m, n: n, k: k, beta: -1)
            return results
        }

        let one = with(threads: 1, products)

        for threads in 2...5 { #expect(with(threads: threads, products) == one) }
    }
}
