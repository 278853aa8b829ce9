// Names of the files of a model folder, and what must hold between them.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>A model folder's files beyond Hugging Face's own.</summary>
public static class ModelFiles
{
    /// <summary>Masked-language head and RetroMAE decoder: only pre-training uses them.</summary>
    public const string Pretraining = "pretraining.safetensors";

    /// <summary>Sparse and multi-vector heads.</summary>
    public const string Heads = "heads.safetensors";

    /// <summary>Head of a cross-encoder.</summary>
    public const string Reranker = "reranker.safetensors";

    /// <summary>Throws unless every id of the vocabulary has a row in the model.</summary>
    /// <param name="where">For the message.</param>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="config">The model's sizes.</param>
    public static void CheckVocabulary(string where, ITokenizer tokenizer, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(config);
        if (tokenizer.VocabularySize > config.VocabularySize)
        {
            throw new BadInput($"{where}: the vocabulary has {tokenizer.VocabularySize} entries, the model only {config.VocabularySize} rows (vocab_size); they do not belong together.");
        }
    }

    /// <summary>Reads a small JSON file that must hold one object.</summary>
    internal static JsonFields ReadObject(string path, string what)
    {
        using JsonDocument document = JsonFile.Parse(path, what);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? new JsonFields(path, "", document.RootElement.Clone())
            : throw new BadInput($"{path}: an object is needed at the top ({what}); nothing was written.");
    }

    /// <summary>The same, or an empty object when there is no such file.</summary>
    internal static JsonFields ReadObjectOrEmpty(string path, string what) => File.Exists(path) ? ReadObject(path, what) : JsonFields.ReadOrEmpty(path);

    /// <summary>Throws when a file holds what Git LFS leaves in place of a large file that was not fetched.</summary>
    internal static void RefusePointer(string path)
    {
        if (!File.Exists(path) || new FileInfo(path).Length > 1024)
        {
            return;
        }
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[24];
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (start[..read].SequenceEqual("version https://git-lfs."u8))
        {
            throw new BadInput($"{path}: is a Git LFS pointer, not the file itself; fetch it with \"git lfs pull\"; nothing was written.");
        }
    }
}
