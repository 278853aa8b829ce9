// The heads of BGE-M3 under one pair of names, wherever a folder keeps them: heads.safetensors, or FlagEmbedding's two torch files, whose tensors are called "weight" and "bias" alone.

using BgeSharp.Formats;
using BgeSharp.Formats.Torch;

namespace BgeSharp.Models;

/// <summary>Tensors named sparse_linear.* and colbert_linear.*.</summary>
public sealed class HeadFile : ITensorSource
{
    private readonly Dictionary<string, (ITensorSource Source, string Name)> _places = new(StringComparer.Ordinal);
    private readonly List<ITensorSource> _sources = [];

    private HeadFile(string path) => Path = path;

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorEntry> Tensors => [.. _places.Keys.Order(StringComparer.Ordinal).Select(name => this[name])];

    /// <summary>Opens what a folder has; null for nothing.</summary>
    /// <exception cref="BadInput">A file is damaged.</exception>
    public static ITensorSource? Open(string folder)
    {
        string own = System.IO.Path.Combine(folder, ModelFiles.Heads);
        if (File.Exists(own))
        {
            return SafeTensorsFile.Open(own);
        }
        var heads = new HeadFile(folder);
        try
        {
            string[] files = [.. new[] { HeadTensors.SparseFile, HeadTensors.MultiVectorFile }.Select(name => System.IO.Path.Combine(folder, name)).Where(File.Exists)];
            if (files.Length == 1)
            {
                throw new BadInput($"{folder}: has {System.IO.Path.GetFileName(files[0])} only, most likely because the other head's file was lost; fetch it, or take {System.IO.Path.GetFileName(files[0])} away to use the dense vectors alone.");
            }
            foreach (string file in files)
            {
                ModelFiles.RefusePointer(file);
                TorchCheckpoint source = TorchCheckpoint.Open(file);
                heads._sources.Add(source);
                if (!source.Contains("weight") || !source.Contains("bias"))
                {
                    throw new BadInput($"{file}: \"weight\" and \"bias\" of a linear layer are needed; take the file away to use the dense vectors alone.");
                }
                foreach (TensorEntry tensor in source.Tensors)
                {
                    heads._places.Add(System.IO.Path.GetFileNameWithoutExtension(file) + "." + tensor.Name, (source, tensor.Name));
                }
            }
            return heads._places.Count > 0 ? heads : null;
        }
        catch
        {
            heads.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool Contains(string name) => _places.ContainsKey(name);

    /// <inheritdoc/>
    public TensorEntry this[string name]
    {
        get
        {
            (ITensorSource source, string stored) = PlaceOf(name);
            return source[stored] with { Name = name };
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        (ITensorSource source, string stored) = PlaceOf(name);
        return source.Bytes(stored);
    }

    /// <inheritdoc/>
    public nint Pointer(string name)
    {
        (ITensorSource source, string stored) = PlaceOf(name);
        return source.Pointer(stored);
    }

    /// <inheritdoc/>
    public void Dispose() => _sources.ForEach(source => source.Dispose());

    private (ITensorSource Source, string Name) PlaceOf(string name)
        => _places.TryGetValue(name, out (ITensorSource, string) place) ? place : throw new BadInput($"{Path}: the heads have no tensor \"{name}\"; bring the model in anew with \"bge import\".");
}
