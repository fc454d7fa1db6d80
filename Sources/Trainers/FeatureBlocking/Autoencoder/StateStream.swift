package import Models
internal import Randomness
package import Tensors

/// Texts to read, without end or bound: what is not needed is not in memory.
package struct TokenTexts {
    /// How many there are.
    package let count: Int
    /// The tokens of one.
    package let tokens: (Int) throws -> [Int32]

    /// Texts that are made or read when they are asked for.
    package init(count: Int, tokens: @escaping (Int) throws -> [Int32]) {
        self.count = count
        self.tokens = tokens
    }

    /// Texts in memory.
    package init(_ texts: [[Int32]]) { self.init(count: texts.count) { texts[$0] } }
}

/// The states of a frozen model over texts, in shuffled order, epoch after epoch, from a buffer of bounded
/// size.
///
/// The buffer is filled with the states of as many texts as it takes, in an order that each epoch draws anew,
/// and given out in an order that each filling draws anew. What the stream will give depends on the seed and
/// the cursor alone.
package struct StateStream {
    /// Where a stream stands: restore it, and it goes on with the same states.
    package struct Cursor: Sendable, Codable, Equatable {
        /// The first text of the buffer, counted over all epochs.
        package var text = 0
        /// How many of its states were given out.
        package var row = 0

        /// The place where a text begins; the beginning of all if none is given.
        package init(text: Int = 0) { self.text = text }
    }

    /// Where the stream stands.
    package private(set) var cursor = Cursor()
    /// Tokens whose states are left out, such as those that begin, end or pad a text.
    package let skipped: Set<Int32>
    /// The layer boundary.
    package let layer: Int
    private let decoder: LanguageDecoder
    private let withAdapter: Bool
    private let texts: TokenTexts
    private let capacity: Int
    private let tokensPerPass: Int
    private let seed: UInt64
    /// The states in the buffer, `[R, C]`; empty where it is still to be filled.
    private var states: [Float] = []
    private var order: [Int] = []
    /// The first text that is not in the buffer.
    private var nextText = 0
    private var epoch: (number: Int, order: [Int])?
    /// Whether the buffer takes the states of all texts; nil where that is not known yet.
    private var holdsAll: Bool?

    /// Prepares to read.
    ///
    /// - Parameters:
    ///   - decoder: The model.
    ///   - withAdapter: False reads with the base model.
    ///   - layer: The layer boundary.
    ///   - texts: At least one; what is beyond the model's positions is left out.
    ///   - skipped: Tokens whose states are left out.
    ///   - capacity: How many states the buffer holds; the last text may go beyond it.
    ///   - tokensPerPass: The most tokens of a pass; a longer text is a pass of its own.
    ///   - seed: What the orders are drawn from.
    /// - Throws: `FeatureFault` for a layer that the model does not have, or no text.
    package init(
        _ decoder: LanguageDecoder,
        withAdapter: Bool = false,
        layer: Int,
        texts: TokenTexts,
        skipped: Set<Int32> = [],
        capacity: Int,
        tokensPerPass: Int,
        seed: UInt64
    ) throws(FeatureFault) {
        let blocks = decoder.configuration.layerCount
        guard (0...blocks).contains(layer) else {
            throw FeatureFault(
                "",
                "found layer \(layer), expected one of 0 … \(blocks): 0 is after the embedding, "
                    + "\(blocks) after the last block"
            )
        }
        guard texts.count > 0 else { throw FeatureFault("", "found no text to read states of") }
        self.decoder = decoder
        self.withAdapter = withAdapter
        self.layer = layer
        self.texts = texts
        self.skipped = skipped
        self.capacity = capacity
        self.tokensPerPass = tokensPerPass
        self.seed = seed
    }

    /// C.
    package var width: Int { decoder.configuration.hiddenSize }

    /// Goes to a place of the stream.
    package mutating func move(to cursor: Cursor) {
        if cursor.text != self.cursor.text { states = [] }
        self.cursor = cursor
    }

    /// The next states.
    ///
    /// - Parameter batch: `[B, C]`, all of which is written.
    /// - Throws: What reading a text throws; `FeatureFault` where no text has a state.
    package mutating func next(into batch: Tensor) throws {
        precondition(batch.columns == width, "StateStream: a batch of width \(batch.columns)")
        let values = batch.values
        for row in 0..<batch.rows {
            if states.isEmpty {
                try fill()
            } else if cursor.row == order.count {
                cursor = Cursor(text: nextText)
                try fill()
            }
            let from = order[cursor.row] * width
            for column in 0..<width { values[row * width + column] = states[from + column] }
            cursor.row += 1
        }
    }

    /// The mean `[C]` of the states in the buffer, and the rms length of a state without it; gives nothing
    /// out.
    package mutating func statistics() throws -> (mean: [Float], rmsNorm: Double) {
        if states.isEmpty { try fill() }
        let count = states.count / width
        var sums = [Double](repeating: 0, count: width)
        var squares = sums
        for first in stride(from: 0, to: states.count, by: width) {
            for column in 0..<width {
                let value = Double(states[first + column])
                sums[column] += value
                squares[column] += value * value
            }
        }
        let mean = sums.map { $0 / Double(count) }
        let variance = zip(squares, mean).reduce(0) { $0 + $1.0 / Double(count) - $1.1 * $1.1 }
        return (mean.map { Float($0) }, max(variance, 0).squareRoot())
    }

    /// Fills the buffer with texts from the cursor's on, or leaves all texts in it, and shuffles it.
    private mutating func fill() throws {
        let holdsAll = try holdsAllTexts()
        if !holdsAll || states.isEmpty {
            states = []
            // Where all stay they are read in their own order, so that it does not matter in which epoch that
            // was.
            nextText = holdsAll ? 0 : cursor.text
            let end = holdsAll ? texts.count : Int.max
            var (waiting, tokens, kept): ([[Int32]], Int, Int) = ([], 0, 0)
            while kept < capacity, nextText < end {
                let whole = try holdsAll ? texts.tokens(nextText) : text(nextText)
                nextText += 1
                let text = Array(whole.prefix(decoder.configuration.positionsMax))
                let own = text.count { !skipped.contains($0) }
                guard own > 0 else { continue }
                if tokens > 0, tokens + text.count > tokensPerPass {
                    read(waiting)
                    (waiting, tokens) = ([], 0)
                }
                waiting.append(text)
                tokens += text.count
                kept += own
            }
            read(waiting)
        }
        if holdsAll { nextText = cursor.text + texts.count }
        order = Array(0..<states.count / width)
        var stream = RandomStream(seed: seed, "autoencoder-states", cursor.text)
        stream.shuffle(&order)
    }

    /// Whether the states of all texts go into the buffer; looks at no more texts than it takes.
    private mutating func holdsAllTexts() throws -> Bool {
        if let holdsAll { return holdsAll }
        var (kept, index) = (0, 0)
        while index < texts.count, kept <= capacity {
            let text = try texts.tokens(index).prefix(decoder.configuration.positionsMax)
            kept += text.count { !skipped.contains($0) }
            index += 1
        }
        guard kept > 0 else {
            throw FeatureFault("", "none of \(texts.count) texts has a token whose state is kept")
        }
        holdsAll = kept <= capacity
        return kept <= capacity
    }

    /// A text by its place in the endless sequence of epochs.
    private mutating func text(_ number: Int) throws -> [Int32] {
        let (pass, place) = number.quotientAndRemainder(dividingBy: texts.count)
        if epoch?.number != pass {
            var order = Array(0..<texts.count)
            var stream = RandomStream(seed: seed, "autoencoder-texts", pass)
            stream.shuffle(&order)
            epoch = (pass, order)
        }
        return try texts.tokens(epoch?.order[place] ?? place)
    }

    /// Runs the model over texts and appends the states that are kept.
    private mutating func read(_ texts: [[Int32]]) {
        guard !texts.isEmpty else { return }
        let batch = PackedBatch(groups: texts.map { (prompt: $0, responses: []) })
        let rows = batch.tokens.indices.filter { !skipped.contains(batch.tokens[$0]) }.map { Int32($0) }
        states += decoder.states(of: batch, layer: layer, rows: rows, withAdapter: withAdapter)
    }
}
