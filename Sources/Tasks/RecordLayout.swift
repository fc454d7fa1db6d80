/// How the records of a file are laid out: as questions with a right answer, or as conversations.
package enum RecordLayout: String, Sendable, Codable, CaseIterable {
    /// Find out from the records, which must agree.
    case auto
    /// One object a line: `question`, `prompt` or `problem`; `answer`; if wanted `topic` or `task`,
    /// `id`, `kind` and `options`.
    case jsonl
    /// GSM8K (Cobbe et al., arXiv:2110.14168): the number behind `####` is the answer.
    case gsm8k
    /// SVAMP (Patel, Bhattamishra and Goyal, arXiv:2103.07191): an array with Body, Question, Answer.
    case svamp
    /// MAWPS as ToRA keeps it: input, target, type.
    case mawps
    /// MATH (Hendrycks et al., arXiv:2103.03874): problem and solution, the answer in `\boxed{}`.
    case math
    /// MedMCQA (Pal, Umapathi and Sankarasubbu, arXiv:2203.14371): opa … opd and cop, which counts from 1, or
    /// options by letter.
    case medmcqa
    /// MedMCQA as the Hugging Face hub has it: cop counts from 0.
    case medmcqaFromZero
    /// MedQA (Jin et al., arXiv:2009.13081): options by letter and answer_idx.
    case medqa
    /// PubMedQA (Jin et al., arXiv:1909.06146): an object of records with QUESTION, CONTEXTS, final_decision.
    case pubmedqa
    /// MMLU (Hendrycks et al., arXiv:2009.03300): CSV of question, four options and a letter, without
    /// a header; or options by letter as JSON lines; or, as the Hugging Face hub has it, `choices` and the number of
    /// the right one from 0.
    case mmlu
    /// TruthfulQA (Lin, Hilton and Evans, arXiv:2109.07958): best_answer among incorrect_answers, or mc1_targets as the
    /// Hugging Face hub has it, in an order that the question's text decides.
    case truthfulqa
    /// AQuA (Ling et al., arXiv:1705.04146): options that begin with their letter, and correct.
    case aqua

    /// Conversations as `messages`: a list of `role` and `content`.
    case messages
    /// Conversations as `prompt` and `completion`, both texts or lists of messages.
    case completion
    /// Conversations as Alpaca's `instruction`, `input` and `output` (Taori et al., 2023), or Dolly's
    /// `instruction`, `context` and `response`.
    case alpaca
    /// Conversations as ShareGPT's `conversations`: a list of `from` and `value`.
    case sharegpt

    /// The question in a record; a conversation of one prompt and one answer that can be compared is one too.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - fallbackTopic: The topic of records that name none.
    func question(from record: Record, fallbackTopic: String) throws(DataError) -> Question {
        switch self {
        case .auto: preconditionFailure("RecordLayout.question: the layout is found out before")
        case .jsonl: return try record.generic(fallbackTopic: fallbackTopic)
        case .gsm8k: return try record.gsm8k()
        case .svamp: return try record.svamp()
        case .mawps: return try record.mawps()
        case .math: return try record.math()
        case .medmcqa where record.fields["opa"] != nil: return try record.medMCQA(from: 1)
        case .medmcqaFromZero: return try record.medMCQA(from: 0)
        case .mmlu where record.fields["choices"] != nil:
            return try record.numbered(fallbackTopic: fallbackTopic)
        case .medmcqa, .medqa, .mmlu: return try record.lettered(fallbackTopic: fallbackTopic)
        case .pubmedqa: return try record.pubMedQA()
        case .truthfulqa: return try record.truthfulQA()
        case .aqua: return try record.aqua()
        case .messages, .completion, .alpaca, .sharegpt:
            return try record.question(of: conversation(from: record, fallbackTopic: fallbackTopic))
        }
    }

    /// The conversation in a record; a question and its answer are one of two turns.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - fallbackTopic: The topic of records that name none.
    func conversation(from record: Record, fallbackTopic: String) throws(DataError) -> Conversation {
        switch self {
        case .messages: try record.messages(fallbackTopic: fallbackTopic)
        case .completion: try record.completion(fallbackTopic: fallbackTopic)
        case .alpaca: try record.alpaca(fallbackTopic: fallbackTopic)
        case .sharegpt: try record.shareGPT(fallbackTopic: fallbackTopic)
        case .auto, .jsonl, .gsm8k, .svamp, .mawps, .math, .medmcqa, .medmcqaFromZero, .medqa, .pubmedqa,
            .mmlu,
            .truthfulqa, .aqua:
            Conversation(try question(from: record, fallbackTopic: fallbackTopic))
        }
    }
}
