package import Models
internal import Tensors

/// Where latents are most active in texts: what a person looks at to say what they stand for.
package struct TopActivations: Sendable, Equatable {
    /// One place.
    package struct Place: Sendable, Codable, Equatable {
        /// Which text.
        package var text: Int
        /// Which of its tokens.
        package var position: Int
        /// The activation there, in normalised units.
        package var activation: Double
    }

    /// For each latent its highest places, the highest first, at most one of each text and one of each
    /// beginning, as texts that are the same up to a token have the same state there; none where it is never
    /// active.
    package let places: [[Place]]
    /// For each latent the share of states that activate it.
    package let activeShare: [Double]
    /// How many states were read.
    package let stateCount: Int

    /// Reads texts.
    ///
    /// - Parameters:
    ///   - rows: The latents.
    ///   - model: Whose states are read.
    ///   - texts: What it reads; beyond the model's positions they are cut.
    ///   - count: How many places are kept of each latent.
    ///   - tokensPerPass: The most tokens of a pass; a longer text is a pass of its own.
    ///   - progress: Told how many texts were read, after each pass.
    /// - Throws: What reading a text or `progress` throws.
    package init(
        of rows: LatentRows,
        model: ProbedModel,
        texts: TokenTexts,
        count: Int,
        tokensPerPass: Int = 4096,
        progress: (Int) throws -> Void = { _ in }
    ) throws {
        var found = [[Found]](repeating: [], count: rows.count)
        var active = [Int](repeating: 0, count: rows.count)
        var (seen, next) = (0, 0)
        let longest = model.decoder.configuration.positionsMax
        while next < texts.count {
            var (part, tokens): ([(index: Int, tokens: [Int32])], Int) = ([], 0)
            while next < texts.count {
                let text = Array(try texts.tokens(next).prefix(longest))
                if tokens > 0, tokens + text.count > tokensPerPass { break }
                if !text.isEmpty { part.append((next, text)) }
                tokens += text.count
                next += 1
            }
            let batch = PackedBatch(groups: part.map { (prompt: $0.tokens, responses: []) })
            let states = model.decoder.states(of: batch, layer: rows.layer, withAdapter: model.withAdapter)
            let code = rows.activations(of: states)
            var row = 0
            for (text, tokens) in part {
                let beginnings = Self.beginnings(tokens)
                for latent in 0..<rows.count {
                    var best = Found(place: Place(text: text, position: 0, activation: 0), beginning: 0)
                    for position in tokens.indices {
                        let value = Double(code[(row + position) * rows.count + latent])
                        guard value > 0 else { continue }
                        active[latent] += 1
                        let beginning = beginnings[position]
                        guard value > best.place.activation,
                            !found[latent].contains(where: { $0.beginning == beginning })
                        else { continue }
                        (best.place.position, best.place.activation) = (position, value)
                        best.beginning = beginning
                    }
                    if best.place.activation > 0 { found[latent].keep(best, count: count) }
                }
                row += tokens.count
            }
            seen += row
            try progress(next)
        }
        places = found.map { $0.map(\.place) }
        activeShare = active.map { Double($0) / Double(max(seen, 1)) }
        stateCount = seen
    }
}

extension TopActivations {
    /// A place with a hash of the tokens up to it.
    fileprivate struct Found {
        var place: Place
        var beginning: UInt64
    }

    /// For each position a hash of the tokens up to it (FNV-1a).
    private static func beginnings(_ tokens: [Int32]) -> [UInt64] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        return tokens.map { token in
            for shift in stride(from: 0, to: 32, by: 8) {
                hash = (hash ^ UInt64(UInt32(bitPattern: token) >> UInt32(shift) & 0xff)) &* 0x100_0000_01b3
            }
            return hash
        }
    }
}

extension [TopActivations.Found] {
    /// Puts a place among the highest, the earlier of equal ones first.
    fileprivate mutating func keep(_ found: TopActivations.Found, count: Int) {
        let index = firstIndex { $0.place.activation < found.place.activation } ?? endIndex
        insert(found, at: index)
        if self.count > count { removeLast() }
    }
}

extension LatentRows {
    /// The activations of states: relu(encoder · h + bias).
    ///
    /// - Parameter states: `[N, C]`.
    /// - Returns: `[N, K]`.
    package func activations(of states: [Float]) -> [Float] {
        let rows = states.count / width
        let result = Tensor(zeros: [rows, count])
        Products.abT(states, encoder, result.base, m: rows, n: count, k: width)
        StateMath.rectify(result.values, bias: bias)
        return result.toArray()
    }
}
