// A model folder as it is measured: loaded when first needed, its encoder put as the model's card says or as the command line says instead.

using System.Security.Cryptography;
using System.Text;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
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

    /// <summary>Numbers of a dense vector, the first so many; 0 for all.</summary>
    public int Dimensions { get; init; }

    /// <summary>As <see cref="EvaluatedModel.Progress"/>, for what is opened from now on.</summary>
    public Action<int, int>? Progress { get; set; }

    /// <summary>Label of a model whose vectors may be cut.</summary>
    public static string LabelOf(string label, int dimensions) => dimensions > 0 ? FormattableString.Invariant($"{label} ({dimensions})") : label;

    /// <summary>The model as evaluation sees it.</summary>
    public EvaluatedModel Open()
    {
        _model ??= TextModel.Load(folder, compute);
        IEncoder encoder = ShortenedEncoder.Of(MultiCls > 0 ? _model.MultiCls(MultiCls) : _model.Encoder, Dimensions);
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
        foreach (string file in Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".safetensors" or ".json" or ".txt" or ".model" or ".bin").Order(StringComparer.Ordinal))
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
