internal import Text

/// Answers that are shown while they are drawn: whole, one line after the other, in the order of the samples.
struct ShownSamples {
    /// The answer that is being shown; those before it are whole.
    private var current = 0
    private var streams: [TextStream]
    /// By sample, what waits until those before it are whole.
    private var waiting: [String]
    private var isOver: [Bool]
    private let write: (String) throws -> Void
    /// Why nothing more can be shown.
    private var failure: (any Error)?

    /// Shows nothing yet.
    ///
    /// - Parameters:
    ///   - count: How many answers there will be.
    ///   - tokenizer: The model's.
    ///   - write: Where text goes.
    init(
        _ count: Int,
        tokenizer: any Tokenizer,
        write: @escaping (String) throws -> Void = StandardOutput.write
    ) {
        streams = [TextStream](repeating: TextStream(tokenizer), count: count)
        waiting = [String](repeating: "", count: count)
        isOver = [Bool](repeating: false, count: count)
        self.write = write
    }

    /// Takes a token of a sample and shows what can be shown.
    mutating func take(_ token: Int32, of sample: Int, isEnd: Bool) {
        waiting[sample] += streams[sample].append(token)
        if isEnd { end(sample) }
        show()
    }

    /// Ends the samples that ran out of tokens, and shows the rest.
    ///
    /// - Throws: What `write` threw, now or before.
    mutating func finish() throws {
        for sample in isOver.indices where !isOver[sample] { end(sample) }
        show()
        if let failure { throw failure }
    }

    private mutating func end(_ sample: Int) {
        waiting[sample] += streams[sample].finish() + "\n"
        isOver[sample] = true
    }

    private mutating func show() {
        while failure == nil, current < waiting.count {
            do {
                if !waiting[current].isEmpty { try write(waiting[current]) }
            } catch {
                failure = error
            }
            waiting[current] = ""
            guard isOver[current] else { return }
            current += 1
        }
    }
}
