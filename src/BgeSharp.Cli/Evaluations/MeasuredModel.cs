// A model folder as it is measured: loaded when first needed, its encoder put as the model's card says or as the command line says instead.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Formats;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Evaluations;

/// <summary>A labelled model.</summary>
/// <param name="label">Stage in reports.</param>
/// <param name="folder">Model folder.</param>
/// <param name="compute">Device and precision.</param>
internal sealed class MeasuredModel(string label, string folder, Compute compute) : IDisposable
{
    private TextModel? _model;

    /// <summary>Stage in reports.</summary>
    public string Label => label;

    /// <summary>Longest query in tokens; the model's own limit when 0.</summary>
    public int QueryMaxLength { get; init; }

    /// <summary>Longest passage in tokens; the model's own limit when 0.</summary>
    public int PassageMaxLength { get; init; }

    /// <summary>Put before queries; the model's own instruction when null.</summary>
    public string? QueryInstruction { get; init; }

    /// <summary>Put before passages; the model's own instruction when null.</summary>
    public string? PassageInstruction { get; init; }

    /// <summary>A [CLS] every so many tokens; 0 for the model's own encoder.</summary>
    public int MultiCls { get; init; }

    /// <summary>Numbers of a dense vector, the first so many; each is measured by itself, 0 for all of them.</summary>
    public IReadOnlyList<int> Dimensions { get; init; } = [0];

    /// <summary>As <see cref="EvaluatedModel.Progress"/>, for what is opened from now on.</summary>
    public Action<int, int>? Progress { get; set; }

    /// <summary>What a way to search is called with vectors of a length: "dense (256)".</summary>
    public static string NameOf(string mode, int dimensions) => dimensions > 0 ? FormattableString.Invariant($"{mode} ({dimensions})") : mode;

    /// <summary>Throws for a length that the model's vectors do not have; no weights are read.</summary>
    /// <exception cref="BadInput">Names both.</exception>
    public void RequireDimensions()
    {
        if (Dimensions.Max() is > 0 and int most && ModelConfig.Load(folder).HiddenSize is var whole && most > whole)
        {
            throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--dimensions {most}: the vectors of {folder} have {whole} numbers; give 1 to {whole}."));
        }
    }

    /// <summary>The model as evaluation sees it, with vectors of the first length.</summary>
    public EvaluatedModel Open() => Open(Dimensions[0]);

    /// <summary>The model as evaluation sees it.</summary>
    /// <param name="dimensions">Numbers of a dense vector; 0 for all.</param>
    public EvaluatedModel Open(int dimensions)
    {
        _model ??= TextModel.Load(folder, compute);
        IEncoder encoder = ShortenedEncoder.Of(MultiCls > 0 ? _model.MultiCls(MultiCls) : _model.Encoder, dimensions);
        return new EvaluatedModel(encoder, _model.Tokenizer)
        {
            QueryMaxLength = Math.Min(QueryMaxLength > 0 ? QueryMaxLength : _model.QueryMaxLength, encoder.MaxLength),
            PassageMaxLength = Math.Min(PassageMaxLength > 0 ? PassageMaxLength : _model.PassageMaxLength, encoder.MaxLength),
            QueryInstruction = QueryInstruction ?? _model.Card.QueryInstruction,
            PassageInstruction = PassageInstruction ?? _model.Card.PassageInstruction,
            Progress = Progress,
        };
    }

    /// <summary>SHA-256 over the files of the folder that decide embeddings: names them where embeddings are kept.</summary>
    public string Key()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[1 << 20];
        // A sentence-transformers folder says its pooling in a folder of its own (1_Pooling/config.json).
        IEnumerable<string> modules = Directory.GetDirectories(folder).Order(StringComparer.Ordinal).SelectMany(inner => Directory.GetFiles(inner, "*.json").Order(StringComparer.Ordinal));
        foreach (string file in Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".safetensors" or ".json" or ".txt" or ".model" or ".bin" or ".pt").Order(StringComparer.Ordinal).Concat(modules))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file)));
            using FileStream stream = File.OpenRead(file);
            for (int read; (read = stream.Read(block)) > 0;)
            {
                hash.AppendData(block.AsSpan(0, read));
            }
        }
        return $"{Convert.ToHexStringLower(hash.GetHashAndReset())} {compute.Type} {(MultiCls > 0 ? FormattableString.Invariant($"cls every {MultiCls}") : "whole")}";
    }

    /// <inheritdoc/>
    public void Dispose() => _model?.Dispose();
}
