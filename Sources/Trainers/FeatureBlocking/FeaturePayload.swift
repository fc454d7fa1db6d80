internal import Contract

/// A response with what the blocked latents did in it: the number of tokens as a little-endian uint32, the tokens (see
/// `TokenPayload`), then the mean activation of each latent and the penalty as float32.
enum FeaturePayload {
    /// Why bytes are not such a response.
    struct Fault: Error, Equatable {
        var reason: String
        /// How many tokens it has, where there are too many of them.
        var tooLong: Int?
    }

    static func encode(tokens: [UInt8], latents: BlockedLatents?) -> [UInt8] {
        let count = withUnsafeBytes(of: UInt32(tokens.count / 4).littleEndian, Array.init)
        let figures = latents.map { $0.activations.map { Float($0) } + [Float($0.penalty)] } ?? []
        return count + tokens + FloatPayload.encode(figures)
    }

    /// The bytes of the tokens alone, and what is behind them.
    static func split(_ bytes: [UInt8]) throws(Fault) -> (tokens: [UInt8], figures: [UInt8]) {
        guard bytes.count >= 4 else { throw Fault(reason: "\(bytes.count) bytes are no response") }
        let count = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[$1]) << (8 * UInt32($1)) }
        let end = 4 + 4 * Int(count)
        guard end <= bytes.count else {
            throw Fault(reason: "it announces \(count) tokens in \(bytes.count) bytes")
        }
        return (Array(bytes[4..<end]), Array(bytes[end...]))
    }

    /// The tokens, and the activations and penalty that are claimed.
    ///
    /// - Parameter latentsMax: The most activations that there can be.
    static func decode(
        _ bytes: [UInt8],
        vocabulary: Int,
        limit: Int,
        latentsMax: Int
    ) throws(Fault) -> (tokens: [Int32], figures: [Float]) {
        guard bytes.count <= 4 * (1 + limit + latentsMax + 1) else {
            throw Fault(reason: "it is too long", tooLong: bytes.count / 4)
        }
        let (tokens, rest) = try split(bytes)
        guard rest.count <= 4 * (latentsMax + 1),
            let figures = FloatPayload.decode(rest, count: rest.count / 4)
        else {
            throw Fault(
                reason:
                    "found \(rest.count) bytes behind its tokens, expected finite numbers for at most \(latentsMax) latents"
            )
        }
        do {
            return (try TokenPayload.decode(tokens, vocabulary: vocabulary, limit: limit), figures)
        } catch .tooLong(let count) {
            throw Fault(reason: "it is too long", tooLong: count)
        } catch {
            throw Fault(reason: error.reason)
        }
    }
}

/// Latents that are added to K, as bytes: their number, then index, sign, bias, encoder and direction of each as float32.
enum LatentPayload {
    static func encode(_ rows: LatentRows) -> [UInt8] {
        var values: [Float] = [Float(rows.count)]
        for place in rows.indices.indices {
            values += [Float(rows.indices[place]), Float(rows.signs[place]), rows.bias[place]]
            let range = place * rows.width..<(place + 1) * rows.width
            values += rows.encoder[range]
            values += rows.decoder[range]
        }
        return FloatPayload.encode(values)
    }

    /// - Throws: `PoolFault.unreadable`.
    static func decode(_ bytes: [UInt8], layer: Int, width: Int) throws(PoolFault) -> LatentRows {
        let size = 3 + 2 * width
        guard let values = FloatPayload.decode(bytes, count: bytes.count / 4), let count = values.first,
            count >= 0, count <= 65_536, values.count == 1 + Int(count) * size
        else { throw .unreadable("\(bytes.count) bytes are no latents of width \(width)") }
        var rows = LatentRows(
            layer: layer,
            width: width,
            indices: [],
            signs: [],
            encoder: [],
            bias: [],
            decoder: []
        )
        for place in 0..<Int(count) {
            let part = Array(values[(1 + place * size)..<(1 + (place + 1) * size)])
            guard part[0] >= 0, part[0] < 16_777_216, abs(part[1]) == 1 else {
                throw .unreadable("latent \(part[0]) with sign \(part[1])")
            }
            rows.indices.append(Int(part[0]))
            rows.signs.append(Int(part[1]))
            rows.bias.append(part[2])
            rows.encoder += part[3..<3 + width]
            rows.decoder += part[(3 + width)...]
        }
        return rows
    }
}
