// Other people's folders → our model folder: config.json, model.safetensors, tokenizer files, heads.safetensors, bge.json (pretraining.safetensors when the
// source has a masked-language head). Tensors are copied from the mapped file one after the other, in the type they have; a model is never whole in memory.

using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>What a person can say about a folder that does not say it itself, and what to change on the way.</summary>
public sealed record ImportOptions
{
    /// <summary>"cls" or "mean"; null for what the folder says, else cls.</summary>
    public string? Pooling { get; init; }

    /// <summary>Put before every query; null for what the folder says, else nothing.</summary>
    public string? QueryInstruction { get; init; }

    /// <summary>Put before every passage; null for what the folder says, else nothing.</summary>
    public string? PassageInstruction { get; init; }

    /// <summary>Longest text in tokens that the position table shall have room for; null leaves the table.</summary>
    public int? Positions { get; init; }

    /// <summary>How a longer table is made.</summary>
    public PositionMethod Extend { get; init; } = PositionMethod.Tile;

    /// <summary>Start missing heads at random instead of refusing a folder with one of two, or going without.</summary>
    public bool InitHeads { get; init; }

    /// <summary>Seed of these start values.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>Imports model folders.</summary>
public static class ModelImport
{
    /// <summary>Reads a Hugging Face, sentence-transformers, FlagEmbedding or own folder and writes a model folder.</summary>
    /// <param name="from">The folder; nothing in it is executed or changed.</param>
    /// <param name="folder">Must not exist or be empty; appears whole or not at all.</param>
    /// <param name="options">See there.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="BadInput">The source is not a model that this toolkit computes, or the target is taken; nothing was written.</exception>
    /// <exception cref="IOException">The disk refused.</exception>
    public static ModelAccount Run(string from, string folder, ImportOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new ImportOptions();
        using SourceModel source = SourceModel.Open(from);
        ModelCard card = Described(source, options);
        ModelConfig config = source.Config;
        List<TensorToWrite> encoder = [.. source.Encoder.Encoder];
        if (options.Positions is { } length)
        {
            int table = encoder.FindIndex(t => t.Name == EncoderTensors.Position);
            (encoder[table], config) = PositionExtension.Extend(encoder[table], config, length, options.Extend);
            if (length > source.Config.MaxLength)
            {
                card = card with { Positions = new PositionChange(card.Positions?.From ?? source.Config.MaxLength, length, options.Extend == PositionMethod.Tile ? "tile" : "interpolate") };
            }
        }
        string[] given = [.. source.Heads.Describe() is { Length: > 0 } heads ? [heads] : Array.Empty<string>()];
        string? started = StartHeads(source, options);

        using StagedFolder staged = StagedFolder.Create(folder);
        TokenizerFiles.Copy(source.Said.TransformerFolder, staged.Path);
        config = config with { Architecture = config.Kind == ModelKind.Bert ? "BertModel" : "XLMRobertaModel" };
        config.Save(staged.Path, source.Encoder.Type);
        ITokenizer tokenizer = TokenizerFiles.Load(staged.Path, source.Said.TransformerFolder, config);
        source.CheckCasing(tokenizer);
        if (config.MaxPositions != source.Config.MaxPositions)
        {
            TokenizerFiles.SetMaxLength(staged.Path, config.MaxLength);
        }
        card.Save(staged.Path);
        source.Heads.SaveOwn(staged.Path);
        if (source.Relevance.Count > 0)
        {
            SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Reranker), source.Relevance);
        }
        if (source.Pretraining.Count > 0)
        {
            SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Pretraining), Stoppable(source.Pretraining, cancellation));
        }
        SafeTensorsWriter.WriteFolder(staged.Path, Stoppable(encoder, cancellation));
        cancellation.ThrowIfCancellationRequested();
        staged.Commit();
        return Account(source, card, config, tokenizer, given, started, options);
    }

    /// <summary>Tensors whose writing stops when asked to.</summary>
    internal static IReadOnlyList<TensorToWrite> Stoppable(IEnumerable<TensorToWrite> tensors, CancellationToken cancellation) =>
    [
        .. tensors.Select(t => t with
        {
            Write = stream =>
            {
                cancellation.ThrowIfCancellationRequested();
                t.Write(stream);
            },
        }),
    ];

    private static ModelCard Described(SourceModel source, ImportOptions options)
    {
        if (options.Pooling is not (null or "cls" or "mean"))
        {
            throw new BadInput($"--pooling {options.Pooling}: \"cls\" or \"mean\" is needed; nothing was written.");
        }
        return source.Card with
        {
            Pooling = options.Pooling ?? source.Card.Pooling,
            QueryInstruction = options.QueryInstruction ?? source.Card.QueryInstruction,
            PassageInstruction = options.PassageInstruction ?? source.Card.PassageInstruction,
        };
    }

    // FlagEmbedding starts a missing head at random and says so in a log line only; half a pair is most likely a lost file.
    private static string? StartHeads(SourceModel source, ImportOptions options)
    {
        (bool sparse, bool multi) = (source.Heads.Sparse.Count > 0, source.Heads.MultiVector.Count > 0);
        if (options.InitHeads && !(sparse && multi))
        {
            source.Heads.Initialize(source.Config, options.Seed);
            return sparse ? "the multi-vector head" : multi ? "the sparse head" : "the sparse and the multi-vector head";
        }
        return source.Own || sparse == multi ? null
            : throw new BadInput($"{source.Folder}: there is {(sparse ? HeadTensors.SparseFile : HeadTensors.MultiVectorFile)} but no {(sparse ? HeadTensors.MultiVectorFile : HeadTensors.SparseFile)}; add it, or give --init-heads to start that head at random; nothing was written.");
    }

    private static ModelAccount Account(SourceModel source, ModelCard card, ModelConfig config, ITokenizer tokenizer, string[] heads, string? started, ImportOptions options)
    {
        var culture = CultureInfo.InvariantCulture;
        var taken = new List<string> { source.DescribeEncoder() };
        taken.AddRange(heads);
        if (source.Relevance.Count > 0)
        {
            taken.Add($"the cross-encoder's head ({source.Relevance[0].Type}), in {ModelFiles.Reranker}");
        }
        if (source.Pretraining.Count > 0)
        {
            taken.Add(string.Create(culture, $"what only pre-training uses: {source.Pretraining.Count} tensors, in {ModelFiles.Pretraining}"));
        }
        taken.Add(string.Create(culture, $"the tokenizer: {tokenizer.VocabularySize} tokens"));
        taken.Add(string.Create(culture, $"the use: pooling {card.Pooling}, texts of up to {card.MaxLength(config)} tokens"));
        string[] prompts = [.. card.QueryInstruction.Length > 0 ? ["query"] : Array.Empty<string>(), .. card.PassageInstruction.Length > 0 ? ["document"] : Array.Empty<string>(), .. card.Prompts.Keys];
        if (prompts.Length > 0)
        {
            taken.Add($"prompts: {string.Join(", ", prompts)}");
        }
        var notes = new List<string>();
        if (!source.PoolingIsSaid && options.Pooling is null)
        {
            notes.Add("the folder does not say how to pool; cls is assumed, as BGE models have it (--pooling mean for the other)");
        }
        if (card.Positions is { } positions && options.Positions is not null && config.MaxPositions != source.Config.MaxPositions)
        {
            notes.Add(string.Create(culture, $"positions were extended from {source.Config.MaxLength} to {config.MaxLength} tokens ({positions.Method}); train on long texts before relying on them"));
            if (card.MaxLength(config) < config.MaxLength)
            {
                notes.Add(string.Create(culture, $"texts are still cut after {card.MaxLength(config)} tokens, as the folder says (queryMaxLength and passageMaxLength in bge.json)"));
            }
        }
        if (started is not null)
        {
            notes.Add($"{started} started at random: train before use");
        }
        if (!card.Normalize)
        {
            notes.Add("the folder's vectors are not scaled to unit length; here they are, which changes nothing for the cosine");
        }
        if (card.DefaultPrompt is { } prompt && (prompt switch { "query" => card.QueryInstruction, "document" => card.PassageInstruction, _ => card.Prompts.GetValueOrDefault(prompt, "") }).Length > 0)
        {
            notes.Add($"sentence-transformers puts the prompt \"{prompt}\" before every text by default; here queries and passages get theirs and no other text one");
        }
        string[] unused = [.. card.Prompts.Where(p => p.Value.Length > 0).Select(p => p.Key)];
        if (unused.Length > 0)
        {
            notes.Add($"prompts other than \"query\" and \"document\" are kept for other tools and not used here (--passage-instruction sets what stands before passages): {string.Join(", ", unused.Take(8))}");
        }
        if (source.Relevance.Count > 0)
        {
            notes.Add("a cross-encoder judges pairs (bge score, re-ranking); its vectors alone are of no use");
        }
        // The cross-encoder's head stands among the rest of the encoder's file.
        return new ModelAccount(taken, [.. source.Encoder.LeftOut.Where(l => source.Relevance.Count == 0 || !l.EndsWith("(classification head)", StringComparison.Ordinal))], notes);
    }
}
