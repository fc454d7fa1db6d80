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
        Zstd.require(ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters))
        guard let window = try Zstd.window(of: bytes, name: name) else {
            return try decompressAtOnce(bytes, rawBytes: rawBytes, name: name)
        }
        guard window <= 1 << Limits.zstdWindowLogMax else {
            throw .decompressionFailed(
                name: name,
                reason: "window of \(window) B > 2^\(Limits.zstdWindowLogMax) B"
            )
        }
        Zstd.require(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, CInt(Limits.zstdWindowLogMax)))

        var output: [UInt8] = []
        var consumed = 0
        var isAtEnd = false
        while !isAtEnd {
            // One byte more than announced, so that an overrun shows.
            let room = min(rawBytes + 1 - output.count, Zstd.stepBytes)
            let step = Zstd.stream(context, bytes.dropFirst(consumed), room: room)
            output += step.written
            consumed += step.read
            if let reason = step.error { throw .decompressionFailed(name: name, reason: reason) }
            guard output.count <= rawBytes else {
                throw .sizeMismatch(name: name, bytes: output.count, expected: rawBytes)
            }
            isAtEnd = step.isAtEnd
            guard isAtEnd || step.read > 0 || !step.written.isEmpty else {
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

    /// The content of a single-segment frame, whose window is its content. It goes into one buffer of the
    /// announced size without a window beside it; the system gives the buffer memory as content appears.
    private func decompressAtOnce(
        _ bytes: ArraySlice<UInt8>,
        rawBytes: Int,
        name: String
    ) throws(WireError) -> [UInt8] {
        let frame = bytes.withUnsafeBytes { ZSTD_findFrameCompressedSize($0.baseAddress, $0.count) }
        if let reason = Zstd.error(frame) { throw .decompressionFailed(name: name, reason: reason) }
        guard frame == bytes.count else {
            throw .sizeMismatch(name: name, bytes: bytes.count, expected: frame)
        }
        var written = 0
        let output = [UInt8](unsafeUninitializedCapacity: rawBytes) { output, initialized in
            written = bytes.withUnsafeBytes {
                ZSTD_decompressDCtx(context, output.baseAddress, rawBytes, $0.baseAddress, $0.count)
            }
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
    /// How much is decompressed at once.
    static let stepBytes = 1 << 20

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
    static func window(of bytes: ArraySlice<UInt8>, name: String) throws(WireError) -> Int? {
        guard bytes.count >= 6 else { throw .decompressionFailed(name: name, reason: "the frame ends early") }
        let isSingleSegment = bytes[bytes.startIndex + 4] & 0x20 != 0
        guard !isSingleSegment else { return nil }
        let descriptor = bytes[bytes.startIndex + 5]
        let base = 1 << (10 + Int(descriptor >> 3))
        return base + base / 8 * Int(descriptor & 7)
    }

    struct Step {
        var read: Int
        var written: [UInt8]
        var isAtEnd: Bool
        var error: String?
    }

    /// Goes on with a frame until `room` bytes are written or the input is used up.
    static func stream(_ context: OpaquePointer, _ input: ArraySlice<UInt8>, room: Int) -> Step {
        var read = 0
        var result = 0
        let written = [UInt8](unsafeUninitializedCapacity: room) { output, initialized in
            input.withUnsafeBytes { input in
                var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
                var sink = ZSTD_outBuffer(dst: output.baseAddress, size: room, pos: 0)
                result = ZSTD_decompressStream(context, &sink, &source)
                read = source.pos
                initialized = sink.pos
            }
        }
        return Step(read: read, written: written, isAtEnd: result == 0, error: error(result))
    }
}

/// The zstd library of this process.
package enum ZstdLibrary {
    /// Its version.
    package static var version: String { String(cString: ZSTD_versionString()) }
}
