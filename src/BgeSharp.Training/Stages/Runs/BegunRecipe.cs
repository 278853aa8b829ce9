// The recipe that a run was begun with, as its folder keeps it. A later version of the program may know more options: the same recipe then reads otherwise
// when all its values are printed, and is the same recipe all the same as long as the options it lacks have their defaults.

using System.Security.Cryptography;
using System.Text.Json;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Recognises a run's recipe.</summary>
public static class BegunRecipe
{
    /// <summary>The hash by which the run in a folder knows this recipe: the recipe's own, or that of the recipe it was begun with when both say the same.</summary>
    public static string HashFor(Recipe recipe, RunFolder folder)
    {
        string now = RecipeFile.Hash(recipe);
        if (RunState.Load(folder.Progress) is not { } before || before.Recipe == now || !File.Exists(folder.Recipe))
        {
            return now;
        }
        byte[] begun = File.ReadAllBytes(folder.Recipe);
        return Convert.ToHexStringLower(SHA256.HashData(begun)) == before.Recipe && Reread(begun, folder) is { } same && RecipeFile.Hash(same) == now ? before.Recipe : now;
    }

    /// <summary>The first option in which this recipe and the folder's differ, with both values; null where that cannot be said.</summary>
    public static string? Difference(Recipe recipe, RunFolder folder)
    {
        try
        {
            byte[] begun = File.ReadAllBytes(folder.Recipe);
            using var there = Reread(begun, folder) is { } known ? JsonDocument.Parse(RecipeFile.ToJson(known)) : JsonDocument.Parse(begun);
            using var here = JsonDocument.Parse(RecipeFile.ToJson(recipe));
            return Difference(there.RootElement, here.RootElement, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static string? Difference(JsonElement there, JsonElement here, string path)
    {
        if (there.ValueKind == here.ValueKind && there.ValueKind == JsonValueKind.Object)
        {
            string[] names = [.. here.EnumerateObject().Concat(there.EnumerateObject()).Select(p => p.Name).Distinct()];
            return names.Select(name => Difference(Member(there, name), Member(here, name), path.Length == 0 ? name : $"{path}.{name}")).FirstOrDefault(d => d is not null);
        }
        if (there.ValueKind == here.ValueKind && there.ValueKind == JsonValueKind.Array && there.GetArrayLength() == here.GetArrayLength())
        {
            return Enumerable.Range(0, here.GetArrayLength()).Select(i => Difference(there[i], here[i], FormattableString.Invariant($"{path}[{i}]"))).FirstOrDefault(d => d is not null);
        }
        return JsonElement.DeepEquals(there, here) ? null : $"{path} is {Said(there)} there and {Said(here)} here";
    }

    private static JsonElement Member(JsonElement value, string name) => value.TryGetProperty(name, out JsonElement member) ? member : default;

    private static string Said(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined => "absent",
        JsonValueKind.Array => FormattableString.Invariant($"a list of {value.GetArrayLength()}"),
        JsonValueKind.Object => "an object",
        _ => value.GetRawText(),
    };

    // Null for a recipe that is none any more, because of an option that is gone.
    private static Recipe? Reread(byte[] begun, RunFolder folder)
    {
        try
        {
            return RecipeFile.Parse(begun, folder.Recipe, Path.GetFullPath(folder.Root), []);
        }
        catch (BadInput)
        {
            return null;
        }
    }
}
