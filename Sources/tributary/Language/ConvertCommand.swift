internal import ArgumentParser
internal import Models
internal import TributaryKit

struct ConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Turns a GGUF file into a Hugging Face folder, or a folder into a GGUF file.",
        discussion: """
            Weights, configuration, tokenizer and chat template are carried over, and what
            the other form cannot hold is refused by name: the copy is read again and
            compared before it gets its name. In f32 a copy is the same model to a
            federation; in fewer bits it is another one. Descriptions (names, authors,
            licence) are not carried over. Nothing is overwritten.

            EXAMPLES
              tributary convert models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                smollm2 --dtype bfloat16
              tributary convert smollm2 smollm2.gguf --type q8_0
            """
    )

    /// What `--dtype` takes, as transformers calls it.
    enum FolderType: String, ExpressibleByArgument, CaseIterable {
        case float32, bfloat16, float16

        var precision: Conversion.Precision {
            switch self {
            case .float32: .f32
            case .bfloat16: .bf16
            case .float16: .f16
            }
        }
    }

    @Argument(help: ArgumentHelp("A GGUF file, or a folder with config.json.", valueName: "in"))
    var input: String

    @Argument(help: ArgumentHelp("What is made: a folder, or a file that ends in .gguf.", valueName: "out"))
    var out: String

    @Option(help: ArgumentHelp("How a folder keeps weights; float32 unless given.", valueName: "type"))
    var dtype: FolderType?

    @Option(
        help: ArgumentHelp(
            "The largest file of a folder in MB, above which there are several; 5000 unless given.",
            valueName: "MB"
        )
    )
    var shardSize: Int?

    @Option(help: ArgumentHelp("How a GGUF file keeps matrices; f32 unless given.", valueName: "type"))
    var type: Conversion.Precision?

    func validate() throws {
        if let shardSize { try FlagRange.require(shardSize, in: 1...1_000_000, "shard-size") }
        let isGGUF = out.hasSuffix(".gguf")
        guard isGGUF != input.hasSuffix(".gguf") else {
            throw ValidationError("one of in and out is a GGUF file, the other a folder.")
        }
        guard isGGUF ? dtype == nil && shardSize == nil : type == nil else {
            throw ValidationError("--dtype and --shard-size are for folders, --type is for GGUF files.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary convert") {
            if out.hasSuffix(".gguf") {
                try OutputPath.requireFile(out)
            } else {
                try OutputPath.requireFolder(out)
            }
            let conversion = try Conversion(
                of: NamedModel.source(input),
                to: out,
                precision: type ?? dtype?.precision ?? .f32
            )
            let summary =
                out.hasSuffix(".gguf")
                ? try conversion.writeGGUF()
                : try conversion.writeFolder(shardBytesMax: (shardSize ?? 5000) * 1_000_000)
            print("tensors   \(summary.tensors)")
            print("files     \(summary.files.joined(separator: "\n          "))")
            print("weights   \(summary.copy)")
            if summary.copy != summary.original {
                print("          of \(summary.original): rounded, another model to a federation")
            }
        }
    }
}

extension Conversion.Precision: ExpressibleByArgument {}
