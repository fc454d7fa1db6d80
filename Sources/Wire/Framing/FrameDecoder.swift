/// Turns the bytes of one direction of a connection into frames, however they are cut.
///
/// A header is checked as soon as its 20 bytes are there and before a byte of the body is waited
/// for, so the decoder holds at most one frame and what the last `append` brought. After an error
/// the position in the stream is lost: every later call throws the same error.
///
///     decoder.append(bytes)
///     while let frame = try decoder.next() { … }
package struct FrameDecoder: Sendable {
    private let sender: Peer?
    private var buffer: [UInt8] = []
    private var start = 0
    private var failure: WireError?

    /// Starts at the beginning of a connection.
    ///
    /// - Parameter sender: Who sends the bytes; types that this side may not send are refused by
    ///   their header alone. Nil accepts every type, for inspection.
    package init(from sender: Peer?) {
        self.sender = sender
    }

    /// How many bytes wait for the rest of their frame or for `next`.
    package var bufferedBytes: Int { buffer.count - start }

    /// Takes the next bytes of the connection. Call `next` until it returns nil before the next
    /// `append`; that is what bounds the memory.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        guard failure == nil else { return }
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= Limits.controlBodyBytesMax)
            start = 0
        } else if start > Limits.controlBodyBytesMax {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame, or nil if more bytes are needed.
    package mutating func next() throws(WireError) -> Frame? {
        if let failure { throw failure }
        guard bufferedBytes >= Frame.headerBytes else { return nil }
        let header: FrameHeader
        do throws(WireError) {
            header = try checkedHeader()
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
        guard bufferedBytes >= Frame.headerBytes + header.bodyBytes else { return nil }
        let body = start + Frame.headerBytes
        start = body + header.bodyBytes
        return Frame(type: header.type, body: Array(buffer[body..<start]))
    }

    /// Says that the connection ended; throws `truncated` if it did so inside a frame.
    package func finish() throws(WireError) {
        if let failure { throw failure }
        guard bufferedBytes > 0 else { return }
        guard bufferedBytes >= Frame.headerBytes else {
            throw .truncated(what: "a frame header", bytes: bufferedBytes, needed: Frame.headerBytes)
        }
        let header = try checkedHeader()
        throw .truncated(
            what: "the body of '\(header.type)'",
            bytes: bufferedBytes - Frame.headerBytes,
            needed: header.bodyBytes
        )
    }

    private func checkedHeader() throws(WireError) -> FrameHeader {
        let header = try FrameHeader(buffer[start..<start + Frame.headerBytes])
        if let sender, !header.type.mayCome(from: sender) {
            throw .unexpectedMessage(type: header.type, from: sender)
        }
        return header
    }
}
