namespace BgeSharp.Evaluation.Models;

/// <summary>Which side of a search a text stands on: it decides instruction and length.</summary>
public enum TextSide
{
    /// <summary>What is asked.</summary>
    Query,

    /// <summary>What is searched.</summary>
    Passage,

    /// <summary>Neither: texts that are compared with their like, or sorted. No instruction, the length of passages.</summary>
    Either,
}
