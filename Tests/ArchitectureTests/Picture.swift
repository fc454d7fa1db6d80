/// The modules and who may know whom: the picture in README.md as sets.
enum Picture {
    static let systemLibraries: Set<String> = ["COpenBLAS", "CZstd", "COpenSSL"]
    static let shared: Set<String> = ["Randomness", "Contract", "Digest", "CKernels"]
    static let learning: Set<String> = ["Tensors", "Text", "Models", "Tasks", "Trainers"]
    static let federation: Set<String> = ["Topology", "Wire", "Rounds", "Aggregation", "Transport", "Ledger"]
    static let meeting: Set<String> = ["Nodes", "TributaryKit", "coordinator", "client", "tributary"]
    /// Draws what it is given; knows neither spine.
    static let report: Set<String> = ["Report"]
    /// A stranger's code.
    static let examples: Set<String> = ["LogisticRegression", "logistic-coordinator", "logistic-client"]

    /// What a stranger may see.
    static let `public`: Set<String> = ["Contract", "Randomness", "TributaryKit"]
    /// The modules that are about language models.
    static let language: Set<String> = ["Text", "Tasks", "Models"]
    /// What is, in other modules: the shipped trainers, the one that reads a language model's hidden states, what
    /// `tributary` does with a language model, and the operations over a vocabulary.
    static let languageFolders = [
        "Sources/Trainers/Language/", "Sources/Trainers/RET/", "Sources/Trainers/FeatureBlocking/",
        "Sources/tributary/Language/",
        "Sources/Tensors/Operations/Token",
    ]

    /// The folders that know transformers over the nodes of networks, which are no language models.
    static let graphFolders = ["Sources/Trainers/STACCA/", "Sources/tributary/Networks/"]

    static let modules = systemLibraries.union(shared).union(learning).union(federation).union(meeting)
        .union(report).union(examples)

    /// What a module may import of this package.
    static let allowed: [String: Set<String>] = [
        "COpenBLAS": [], "CZstd": [], "COpenSSL": [],
        "Randomness": [], "Contract": [], "Digest": ["COpenSSL"],
        "CKernels": [],
        "Tensors": ["CKernels", "COpenBLAS", "Randomness"],
        "Text": ["Contract"],
        "Models": ["CKernels", "Tensors", "Text", "Contract", "Randomness", "Digest"],
        "Tasks": ["Text", "Contract", "Randomness", "Digest"],
        "Trainers": ["Tensors", "Models", "Text", "Tasks", "Contract", "Randomness", "Digest"],
        "Wire": ["CZstd", "Contract", "Digest"],
        // Of the kernels it has sums and the products of sketches.
        "Aggregation": ["Contract", "Randomness", "CKernels", "COpenBLAS"],
        "Topology": ["Contract", "Aggregation", "Wire", "Digest"],
        "Rounds": ["Contract", "Wire", "Digest"],
        "Transport": ["COpenSSL", "Wire"],
        "Ledger": ["Digest"],
        "Report": ["Contract"],
        // No trainer, no task, no text. Of Models it has the file format of adapters, of Tensors the number of
        // threads.
        "Nodes": federation.union(shared).union(["Models", "Tensors"]),
        // Both programs end with a report.
        "TributaryKit": modules.subtracting(meeting).subtracting(examples).union(["Nodes"]),
        "coordinator": ["TributaryKit"],
        "client": ["TributaryKit"],
        "tributary": modules.subtracting(["tributary", "coordinator", "client"]).subtracting(examples),
        "LogisticRegression": ["TributaryKit"],
        "logistic-coordinator": ["TributaryKit", "LogisticRegression"],
        "logistic-client": ["TributaryKit", "LogisticRegression"],
    ]
}
