internal import CZstd

/// zstd with a bounded window, one thread, and the content size in the frame header.
///
/// Contexts live for one blob. A context keeps state after an error, so every call resets it first.
struct ZstdCompressor: ~Copyable {
    /// What zstd looks for.
    private enum Effort {
        /// Bytes that are more frequent than others: Huffman codes alone. Noise has nothing else, and this is five times
        /// as fast as looking for repetitions that are not there, which cost a little on top.
        case frequencies
        /// Repetitions as well, at level 3.
        case repetitions
    }

    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd: no memory for a context") }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Of numbers without any order more is left than this: of binary32 0.84, of bfloat16 0.67. Where less is left,
    /// something may repeat.
    private static let noiseRatio = 0.6

    /// One zstd frame.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - planes: The lengths of its parts, in order; their sum is that of `bytes`. A new block begins
    ///     with each. What has several is numbers.
    ///
    /// A block has one table of symbol frequencies. Without the cuts the planes of a small array would
    /// share one, and the noise of one plane would hide the order of the other.
    func compress(_ bytes: [UInt8], planes: [Int]) -> [UInt8] {
        precondition(planes.reduce(0, +) == bytes.count, "zstd: the planes are not the content")
        guard planes.count > 1 else { return frame(bytes, planes, .repetitions) }
        let quick = frame(bytes, planes, .frequencies)
        guard Double(quick.count) < Self.noiseRatio * Double(bytes.count) else { return quick }
        let thorough = frame(bytes, planes, .repetitions)
        return thorough.count < quick.count ? thorough : quick
    }

    private func frame(_ bytes: [UInt8], _ planes: [Int], _ effort: Effort) -> [UInt8] {
        Zstd.require(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters))
        switch effort {
        case .frequencies:
            // The fastest level there is finds no repetition; it would not compress literals without being told to.
            Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_minCLevel()))
            Zstd.require(ZSTD_CCtx_setParameter(context, shim_zstd_literal_compression, 1))
        case .repetitions: Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3))
        }
        Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, CInt(Limits.zstdWindowLogMax)))
        Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 0))
        Zstd.require(ZSTD_CCtx_setPledgedSrcSize(context, UInt64(bytes.count)))
        let bound = ZSTD_compressBound(bytes.count) + planes.count * 16  // a header for each extra block
        return [UInt8](unsafeUninitializedCapacity: bound) { output, initialized in
            bytes.withUnsafeBytes { input in
                var sink = ZSTD_outBuffer(dst: output.baseAddress, size: bound, pos: 0)
                var source = ZSTD_inBuffer(src: input.baseAddress, size: 0, pos: 0)
                for (index, plane) in planes.enumerated() {
                    source.size += plane
                    let mode = index == planes.count - 1 ? ZSTD_e_end : ZSTD_e_flush
                    let rest = ZSTD_compressStream2(context, &sink, &source, mode)
                    Zstd.require(rest)
                    precondition(rest == 0, "zstd: the output is too small")
                }
                initialized = sink.pos
            }
        }
    }
}

/// The other direction, for bytes that nobody vouches for.
struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("zstd: no memory for a context") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// The content of exactly one zstd frame.
    ///
    /// - Parameters:
    ///   - bytes: The frame and nothing else.
    ///   - rawBytes: The announced size of the content, already checked against its limit. The content goes into one
    ///     buffer of that size, to which the system gives memory as content appears, so a frame that lies costs
    ///     little.
    ///   - name: For errors.
    func decompress(
        _ bytes: UnsafeRawBufferPointer,
        rawBytes: Int,
        name: String
    ) throws(WireError) -> [UInt8] {
        let declared = ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count)
        // The two reserved values are "unknown" (2⁶⁴ - 1) and "error" (2⁶⁴ - 2).
        guard declared < UInt64.max - 1 else {
            throw .decompressionFailed(name: name, reason: "no frame that declares its content size")
        }
        guard declared == UInt64(rawBytes) else {
            throw .sizeMismatch(name: name, bytes: Int(clamping: declared), expected: rawBytes)
        }
        // A single-segment frame may be as large as its kind of blob.
        if let window = try Zstd.window(of: bytes, name: name), window > 1 << Limits.zstdWindowLogMax {
            throw .decompressionFailed(
                name: name,
                reason: "window of \(window) B > 2^\(Limits.zstdWindowLogMax) B"
            )
        }
        let frame = ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count)
        if let reason = Zstd.error(frame) { throw .decompressionFailed(name: name, reason: reason) }
        guard frame == bytes.count else {
            throw .sizeMismatch(name: name, bytes: bytes.count, expected: frame)
        }
        Zstd.require(ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters))
        var written = 0
        let output = [UInt8](unsafeUninitializedCapacity: rawBytes) { output, initialized in
            written = ZSTD_decompressDCtx(
                context,
                output.baseAddress,
                rawBytes,
                bytes.baseAddress,
                bytes.count
            )
            initialized = Zstd.error(written) == nil ? written : 0
        }
        if let reason = Zstd.error(written) { throw .decompressionFailed(name: name, reason: reason) }
        guard output.count == rawBytes else {
            throw .sizeMismatch(name: name, bytes: output.count, expected: rawBytes)
        }
        return output
    }
}

private enum Zstd {
    /// Our own settings and buffers cannot be wrong.
    static func require(_ result: Int) {
        if let reason = error(result) { preconditionFailure("zstd: \(reason)") }
    }

    /// What a result says that is an error; nil for a size.
    static func error(_ result: Int) -> String? {
        ZSTD_isError(result) == 0 ? nil : String(cString: ZSTD_getErrorName(result))
    }

    /// The window size in a frame header (RFC 8878, 3.1.1.1); nil for a single-segment frame, whose window
    /// is its content. The library's own check does not cover a frame that fits the output in one go.
    static func window(of bytes: UnsafeRawBufferPointer, name: String) throws(WireError) -> Int? {
        guard bytes.count >= 6 else { throw .decompressionFailed(name: name, reason: "the frame ends early") }
        let isSingleSegment = bytes[4] & 0x20 != 0
        guard !isSingleSegment else { return nil }
        let descriptor = bytes[5]
        let base = 1 << (10 + Int(descriptor >> 3))
        return base + base / 8 * Int(descriptor & 7)
    }
}

/// The zstd library of this process.
package enum ZstdLibrary {
    /// Its version.
    package static var version: String { String(cString: ZSTD_versionString()) }
}
