internal import CKernels
internal import COpenBLAS

/// The threads of this process that compute, its matrix library, its health, and what it says of itself.
package enum Compute {
    /// Sets how many threads share the loops and the matrix products of this process: cores ÷ processes. No result
    /// depends on it.
    package static func configure(threads: Int) {
        precondition(threads > 0, "Compute.configure: threads must be positive, found \(threads)")
        _ = prepared
        kernel_parallel_configure(threads)
    }

    /// How many threads share loops and products: as many as OpenBLAS found cores, or `OPENBLAS_NUM_THREADS`, until
    /// ``configure(threads:)`` says otherwise.
    package static var threads: Int {
        _ = prepared
        return kernel_parallel_threads()
    }

    /// The instruction set that products use: the best of this CPU, or a lesser one that `TRIBUTARY_KERNELS` names
    /// (`avx512`, `avx2`, `scalar`). No product depends on it.
    static let path: kernel_path = {
        _ = prepared
        return kernel_chosen_path()
    }()

    /// The name of that set.
    package static var kernels: String {
        switch path {
        case kernel_path_avx512: "avx512"
        case kernel_path_avx2: "avx2"
        default: "scalar"
        }
    }

    /// Takes over the count of OpenBLAS, which has one thread from then on: what is left to it is small.
    private static let prepared: Void = {
        kernel_parallel_configure(Int(openblas_get_num_threads()))
        openblas_set_num_threads(1)
    }()

    /// Does the parts of a loop side by side, in any order, and returns when all are done. Loops inside parts, and those that
    /// come while the threads have another, run one part after the other: what is computed must not depend on how many
    /// threads there are, nor on which does what.
    ///
    /// - Parameters:
    ///   - parts: How many there are.
    ///   - body: Does one, of 0 ..< parts, and touches nothing that another one writes.
    package static func parallel(_ parts: Int, _ body: (Int) -> Void) {
        _ = prepared
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { body in
                kernel_parallel(
                    parts,
                    { body, part in
                        body?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(part)
                    },
                    UnsafeMutableRawPointer(mutating: body)
                )
            }
        }
    }

    /// Cuts elementwise work into shares for all threads. Where the cuts are depends on the size alone, and not on the
    /// number of threads, so that results do not either.
    ///
    /// - Parameters:
    ///   - count: How many elements, or rows, there are.
    ///   - width: The values of each.
    ///   - body: Does a range of them, and touches nothing that another range writes.
    package static func share(_ count: Int, width: Int = 1, _ body: (Range<Int>) -> Void) {
        let size = max(1, shareSize / max(1, width))
        guard count > size else {
            if count > 0 { body(0..<count) }
            return
        }
        parallel((count + size - 1) / size) { part in
            body(part * size..<min((part + 1) * size, count))
        }
    }

    /// The values of a share: 64 KiB, some microseconds of work.
    private static let shareSize = 1 << 14

    /// Does pieces of work side by side, as ``parallel(_:_:)`` does, and gives their results in order.
    ///
    /// - Parameters:
    ///   - pieces: How many there are.
    ///   - threads: How many run at once at most, at least 1.
    ///   - work: Does one piece.
    package static func sideBySide<Result>(
        _ pieces: Int,
        threads: Int,
        _ work: (Int) -> Result
    ) -> [Result] {
        precondition(threads > 0, "Compute.sideBySide: threads must be positive, found \(threads)")
        let lanes = min(threads, pieces)
        guard lanes > 1 else { return (0..<pieces).map(work) }
        var results = [Result?](repeating: nil, count: pieces)
        results.withUnsafeMutableBufferPointer { results in
            parallel(lanes) { lane in
                for piece in stride(from: lane, to: pieces, by: lanes) { results[piece] = work(piece) }
            }
        }
        return results.compactMap { $0 }
    }

    /// OpenBLAS's version and the kernels that it chose for this CPU, such as `0.3.21, kernels SkylakeX`: what merges and
    /// eigenvalues are computed with.
    package static var libraryVersion: String {
        let words = String(cString: openblas_get_config()).split(separator: " ")
        let version = words.dropFirst().first.map(String.init) ?? "unknown"
        return "\(version), kernels \(String(cString: openblas_get_corename()))"
    }

    /// One line for the log: the products' kernels, threads, and OpenBLAS.
    package static var description: String {
        "kernels \(kernels), \(threads) threads, OpenBLAS \(libraryVersion)"
    }

    /// Compares three small products with a plain loop, since kernels can be wrong on a CPU that they were not tested on.
    ///
    /// - Throws: ``ComputeError`` if a value is off by more than rounding.
    package static func selfTest() throws(ComputeError) {
        for (m, n, k) in [(5, 7, 3), (33, 17, 65), (64, 96, 128)] {
            let a = (0..<m * k).map { Float($0 * 37 % 101) / 50 - 1 }
            let b = (0..<n * k).map { Float($0 * 53 % 97) / 48 - 1 }
            var c = [Float](repeating: .nan, count: m * n)
            Products.abT(a, b, &c, m: m, n: n, k: k)
            for row in 0..<m {
                for column in 0..<n {
                    var sum = 0.0
                    for i in 0..<k { sum += Double(a[row * k + i]) * Double(b[column * k + i]) }
                    let found = Double(c[row * n + column])
                    guard abs(found - sum) <= 1e-5 * Double(k) else {
                        throw ComputeError(kernels: kernels, size: [m, n, k], expected: sum, found: found)
                    }
                }
            }
        }
    }
}

/// A product is wrong: its kernels do not work on this CPU.
package struct ComputeError: Error, CustomStringConvertible {
    /// The kernels in use.
    package let kernels: String
    /// The sizes m, n, k of the product.
    package let size: [Int]
    /// The value a plain loop gives.
    package let expected: Double
    /// The value the kernels gave.
    package let found: Double

    /// What is wrong, and what to try.
    package var description: String {
        "the \(kernels) kernels computed \(found) instead of \(expected) in a product of size \(size); "
            + "try TRIBUTARY_KERNELS=avx2 or TRIBUTARY_KERNELS=scalar in the environment"
    }
}
