internal import CZstd

/// zstd with the settings of the protocol: level 3, a bounded window, one thread, the content size
/// in the frame header.
///
/// Contexts live for one blob. A context keeps state after an error, so every call resets it first.
struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd: no memory for a context") }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// One zstd frame.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - planes: The lengths of its parts, in order; their sum is that of `bytes`. A new block begins
    ///     with each.
    ///
    /// A block has one table of symbol frequencies. Without the cuts the planes of a small array would
    /// share one, and the noise of one plane would hide the order of the other.
    func compress(_ bytes: [UInt8], planes: [Int]) -> [UInt8] {
        Zstd.require(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters))
        Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3))
        Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, CInt(Limits.zstdWindowLogMax)))
        Zstd.require(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 0))
        Zstd.require(ZSTD_CCtx_setPledgedSrcSize(context, UInt64(bytes.count)))
        precondition(planes.reduce(0, +) == bytes.count, "zstd: the planes are not the content")
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
    ///   - rawBytes: The announced size of the content, already checked against its limit. The
    ///     output grows towards it as content appears, so a frame that lies costs little memory.
    ///   - name: For errors.
    func decompress(_ bytes: ArraySlice<UInt8>, rawBytes: Int, name: String) throws(WireError) -> [UInt8] {
        let declared = bytes.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // The two reserved values are "unknown" (2⁶⁴ - 1) and "error" (2⁶⁴ - 2).
        guard declared < UInt64.max - 1 else {
            throw .decompressionFailed(name: name, reason: "no frame that declares its content size")
        }
        guard declared == UInt64(rawBytes) else {
            throw .sizeMismatch(name: name, bytes: Int(clamping: declared), expected: rawBytes)
        }
        try Zstd.checkWindow(bytes, name: name)
        Zstd.require(ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters))
        Zstd.require(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, CInt(Limits.zstdWindowLogMax)))

        var output: [UInt8] = []
        var consumed = 0
        var isAtEnd = false
        while !isAtEnd {
            // One byte more than announced, so that an overrun shows.
            let room = min(rawBytes + 1 - output.count, max(output.count, Limits.chunkBytesMax))
            let start = output.count
            output.append(contentsOf: repeatElement(0, count: room))
            let step = Zstd.stream(context, bytes.dropFirst(consumed), into: &output, at: start)
            output.removeLast(room - step.written)
            consumed += step.read
            if let reason = step.error { throw .decompressionFailed(name: name, reason: reason) }
            guard output.count <= rawBytes else {
                throw .sizeMismatch(name: name, bytes: output.count, expected: rawBytes)
            }
            isAtEnd = step.isAtEnd
            guard isAtEnd || step.read > 0 || step.written > 0 else {
                throw .decompressionFailed(name: name, reason: "the frame ends early")
            }
        }
        guard output.count == rawBytes else {
            throw .sizeMismatch(name: name, bytes: output.count, expected: rawBytes)
        }
        guard consumed == bytes.count else {
            throw .sizeMismatch(name: name, bytes: bytes.count, expected: consumed)
        }
        return output
    }
}

private enum Zstd {
    /// Our own settings and buffers cannot be wrong.
    static func require(_ result: Int) {
        precondition(ZSTD_isError(result) == 0, "zstd: \(String(cString: ZSTD_getErrorName(result)))")
    }

    /// Reads the window size from a frame header (RFC 8878, 3.1.1.1). The library's own check does
    /// not cover a frame that fits the output in one go.
    static func checkWindow(_ bytes: ArraySlice<UInt8>, name: String) throws(WireError) {
        guard bytes.count >= 6 else { throw .decompressionFailed(name: name, reason: "the frame ends early") }
        let isSingleSegment = bytes[bytes.startIndex + 4] & 0x20 != 0
        guard !isSingleSegment else { return }  // The window is the content, which has its own limit.
        let descriptor = bytes[bytes.startIndex + 5]
        let base = 1 << (10 + Int(descriptor >> 3))
        let window = base + base / 8 * Int(descriptor & 7)
        guard window <= 1 << Limits.zstdWindowLogMax else {
            throw .decompressionFailed(
                name: name,
                reason: "window of \(window) B > 2^\(Limits.zstdWindowLogMax) B"
            )
        }
    }

    struct Step {
        var read: Int
        var written: Int
        var isAtEnd: Bool
        var error: String?
    }

    static func stream(
        _ context: OpaquePointer,
        _ input: ArraySlice<UInt8>,
        into output: inout [UInt8],
        at start: Int
    ) -> Step {
        output.withUnsafeMutableBytes { output in
            input.withUnsafeBytes { input in
                var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
                var sink = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: start)
                let result = ZSTD_decompressStream(context, &sink, &source)
                return Step(
                    read: source.pos,
                    written: sink.pos - start,
                    isAtEnd: result == 0,
                    error: ZSTD_isError(result) == 0 ? nil : String(cString: ZSTD_getErrorName(result))
                )
            }
        }
    }
}
