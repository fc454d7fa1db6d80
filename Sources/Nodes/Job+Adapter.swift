public import Exchange
internal import Models

extension Job {
    /// Writes an adapter as PEFT keeps it; dense adapters, which PEFT does not know, as safetensors alone.
    public func writeAdapter(_ weights: AdapterWeights, to folder: String) throws {
        let isLowRank = weights.arrays.allSatisfy {
            $0.name.contains(".lora_A.") || $0.name.contains(".lora_B.")
        }
        if isLowRank {
            try PEFTDirectory.write(weights, adapter, baseModelName: modelSource.description, to: folder)
        } else {
            try SafetensorsWriter.write(weights.arrays, to: folder + ".safetensors")
        }
    }
}
