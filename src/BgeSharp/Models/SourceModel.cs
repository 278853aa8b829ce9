// A model folder as some project left it, understood but not copied: sizes, tensors by their plain names, heads, and what the folder says about its use.
// Import and export both begin here. bge.json says what other projects' files cannot; where both speak, the files that other tools obey have the last word.

using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>An opened model folder of any known layout.</summary>
internal sealed class SourceModel : IDisposable
{
    private readonly List<IDisposable> _open = [];

    private SourceModel(string folder, SentenceTransformersReader said, string weightsFolder)
    {
        (Folder, Said, Own) = (folder, said, File.Exists(Path.Combine(folder, ModelCard.FileName)));
        try
        {
            Config = ModelConfig.Load(said.TransformerFolder);
            ITensorSource weights = Keep(OpenWeights(weightsFolder));
            Encoder = EncoderSource.Find(weights, Config);
            Heads = Keep(HeadTensors.Open(folder, Config));
            Relevance = RelevanceTensors.Find(said.TransformerFolder, weights, Config, _open.Add);
            Pretraining = Encoder.Pretraining;
            if (Path.Combine(said.TransformerFolder, ModelFiles.Pretraining) is var own && File.Exists(own))
            {
                SafeTensorsFile more = Keep(SafeTensorsFile.Open(own));
                Pretraining = [.. more.Tensors.Select(t => TensorToWrite.From(more, t.Name))];
            }
            Card = ReadCard(Path.GetFileName(weights.Path));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>As the user gave it.</summary>
    public string Folder { get; }

    /// <summary>What sentence-transformers' files say; its folder of the transformer is where the tokenizer is.</summary>
    public SentenceTransformersReader Said { get; }

    /// <summary>True when there is a bge.json: this toolkit wrote the folder.</summary>
    public bool Own { get; }

    /// <summary>Sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>The encoder.</summary>
    public EncoderSource Encoder { get; }

    /// <summary>What only pre-training uses, ready to be written.</summary>
    public IReadOnlyList<TensorToWrite> Pretraining { get; }

    /// <summary>Sparse and multi-vector head.</summary>
    public HeadTensors Heads { get; }

    /// <summary>The head of a cross-encoder, or nothing.</summary>
    public IReadOnlyList<TensorToWrite> Relevance { get; }

    /// <summary>How the model is used.</summary>
    public ModelCard Card { get; }

    /// <summary>True when pooling is said somewhere and not assumed.</summary>
    public bool PoolingIsSaid => Own || Said.Pooling is not null;

    /// <summary>Opens a folder.</summary>
    /// <exception cref="BadInput">What is there does not make a model that this toolkit computes; the sentence names file and field.</exception>
    public static SourceModel Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BadInput($"{folder}: no such folder; name one that holds a model (nothing is downloaded); nothing was written.");
        }
        SentenceTransformersReader said = SentenceTransformersReader.Read(folder);
        // FlagEmbedding's RetroMAE pre-training writes its whole state, decoder included, above the folder that has configuration and tokenizer.
        string below = Path.Combine(folder, "encoder_model");
        return !said.HasModules && !File.Exists(Path.Combine(folder, "config.json")) && File.Exists(Path.Combine(below, "config.json"))
            ? new SourceModel(folder, said with { TransformerFolder = below }, folder)
            : new SourceModel(folder, said, said.TransformerFolder);
    }

    /// <summary>Stops when the folder asks for lower-casing that the tokenizer does not do by itself.</summary>
    public void CheckCasing(ITokenizer tokenizer)
    {
        const string capitals = "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG";
        if (Said.LowerCases && !tokenizer.Encode(capitals).SequenceEqual(tokenizer.Encode(capitals.ToLowerInvariant())))
        {
            throw new BadInput($"{Folder}: sentence_bert_config.json asks for lower-casing (do_lower_case), which the tokenizer does not do; set \"do_lower_case\" in tokenizer_config.json if it should; nothing was written.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _open.ForEach(d => d.Dispose());

    private T Keep<T>(T opened)
        where T : IDisposable
    {
        _open.Add(opened);
        return opened;
    }

    private static ITensorSource OpenWeights(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Where(f => Path.GetExtension(f) is ".safetensors" or ".bin"))
        {
            ModelFiles.RefusePointer(file);
        }
        bool any = Directory.EnumerateFiles(folder, "model.safetensors*").Concat(Directory.EnumerateFiles(folder, "pytorch_model.bin*")).Any();
        return any || !File.Exists(Path.Combine(folder, "adapter_config.json"))
            ? WeightFiles.Open(folder)
            : throw new BadInput($"{folder}: this is an adapter (adapter_config.json) without its model; merge it into the model with the tool that made it, then import that; nothing was written.");
    }

    private ModelCard ReadCard(string weights)
    {
        ModelCard card = ModelCard.Load(Folder);
        if (card.Pooling is not ("cls" or "mean"))
        {
            throw new BadInput($"{Path.Combine(Folder, ModelCard.FileName)}: \"pooling\" is \"{card.Pooling}\", \"cls\" or \"mean\" is needed; nothing was written.");
        }
        string layout = Heads.All.Count > 0 ? "flagembedding" : Said.HasModules ? "sentence-transformers" : "huggingface";
        card = (Own ? card : new ModelCard()).With(Said with { MaxLength = null }) with { Origin = Own ? card.Origin : new ModelOrigin(layout, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder))), weights) };
        int limit = Config.MaxLength;
        int? said = Said.MaxLength ?? (Own ? null : TokenizerFiles.MaxLength(Said.TransformerFolder));
        if (said is { } length && Math.Min(length, limit) != card.MaxLength(Config))
        {
            int cut = length < limit ? length : 0;
            card = card with { QueryMaxLength = cut, PassageMaxLength = cut };
        }
        return card;
    }

    /// <summary>The encoder's tensors in a few words.</summary>
    public string DescribeEncoder() => string.Create(CultureInfo.InvariantCulture,
        $"the encoder: {Config.ModelType}, {Config.LayerCount} layers, {Encoder.Encoder.Count} tensors ({Encoder.Type}){(Encoder.Prefix.Length > 0 ? $" under \"{Encoder.Prefix}\"" : "")}");
}
