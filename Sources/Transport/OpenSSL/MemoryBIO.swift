internal import COpenSSL

/// Runs `body` with a read-only BIO over bytes.
func withReadBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) throws -> Result) rethrows -> Result {
    // An empty array has no address to borrow.
    let borrowed = bytes.isEmpty ? [0] : bytes
    return try borrowed.withUnsafeBytes { raw in
        // BIO_new_mem_buf borrows the bytes, which outlive it inside this closure; the size fits since
        // files are limited before they are read.
        guard let address = raw.baseAddress, let bio = BIO_new_mem_buf(address, Int32(bytes.count)) else {
            preconditionFailure("OpenSSL is out of memory")
        }
        defer { BIO_free(bio) }
        return try body(bio)
    }
}

/// The bytes that `body` writes to a BIO; nil when it reports failure.
func collectBIO(_ body: (OpaquePointer) -> Bool) -> [UInt8]? {
    guard let bio = shim_memory_bio() else { preconditionFailure("OpenSSL is out of memory") }
    defer { BIO_free(bio) }
    guard body(bio) else { return nil }
    var start: UnsafeMutablePointer<CChar>?
    let count = shim_bio_contents(bio, &start)
    guard count > 0, let start else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: count))
}
