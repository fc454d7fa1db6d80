package import Contract
package import Digest

extension AdapterWeights {
    /// What identifies an adapter, wherever it is: SHA-256 of the values of all arrays that travel, in ascending order
    /// of name, each row-major in little-endian binary32.
    ///
    /// Neither a packing nor a compression has a part in it: a run's ledger, its exported folder and a client agree,
    /// whatever version of zstd wrote the bytes, and any program can compute it from the safetensors file.
    package var digest: SHA256Digest {
        let hasher = SHA256()
        // Little-endian like every processor that Tributary runs on.
        for array in arrays where array.part != .local { array.values.withUnsafeBytes { hasher.update($0) } }
        return hasher.finish()
    }
}
