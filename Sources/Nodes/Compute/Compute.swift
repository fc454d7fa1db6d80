internal import Logging
internal import Tensors

extension Tensors.Compute {
    /// Sets the BLAS threads of this process, tests the products and says which kernels they come from.
    ///
    /// - Throws: `ComputeFault` if a product is wrong.
    static func prepare(threads: Int, logger: Logger) throws {
        configure(threads: threads)
        try selfTest()
        logger.info("compute", metadata: ["kernels": "\(description)"])
    }
}
