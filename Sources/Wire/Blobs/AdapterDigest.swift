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
        // A piece at a time: an adapter may be larger than what one would copy.
        let pieceValues = 1 << 16
        for array in arrays where array.part != .local {
            var first = 0
            while first < array.values.count {
                let last = min(first + pieceValues, array.values.count)
                let words = array.values[first..<last].map { $0.bitPattern.littleEndian }
                words.withUnsafeBytes { hasher.update($0) }
                first = last
            }
        }
        return hasher.finish()
    }
}
